// Offers the browser's picker of dates and times beside a moment that is typed. What is chosen stands for UTC, as the label says.
for (const button of document.querySelectorAll("button.pick")) {
  const typed = button.previousElementSibling;
  const picker = Object.assign(document.createElement("input"), { type: "datetime-local", className: "picker", step: "1", tabIndex: -1 });
  if (picker.type !== "datetime-local" || !picker.showPicker) continue;
  picker.setAttribute("aria-hidden", "true");
  button.before(picker);
  button.hidden = false;
  button.addEventListener("click", () => {
    const found = typed.value.match(/^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?/);
    picker.value = found ? `${found[1]}T${found[2] ?? "00:00"}` : new Date().toISOString().slice(0, 16);
    picker.showPicker();
  });
  picker.addEventListener("change", () => {
    typed.value = picker.value.replace("T", " ");
  });
}
// Copies what a button names. Without a clipboard, or without scripts, the buttons stay hidden.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
      try {
        await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
      } catch {
        return;
      }
      const label = button.querySelector("span");
      if (button.classList.contains("done")) return;
      const before = label.textContent;
      label.textContent = button.dataset.done;
      button.classList.add("done");
      setTimeout(() => {
        label.textContent = before;
        button.classList.remove("done");
      }, 1500);
    });
  }
}

// A dialog that came back with what is wrong opens as it was; the focus goes into each that opens.
if ("popover" in HTMLElement.prototype) {
  document.addEventListener("toggle", ({ target, newState }) => {
    if (newState === "open" && target.matches(".confirm-box") && !target.contains(document.activeElement)) target.focus();
  }, true);
  for (const box of document.querySelectorAll(".confirm-box:not([popover])")) {
    box.popover = "auto";
    box.showPopover();
  }
}
