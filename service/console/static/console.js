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
      const label = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 1500);
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
