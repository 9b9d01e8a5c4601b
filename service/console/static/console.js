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
