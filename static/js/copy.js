/* <button data-copy="id" hidden>: copies the text of the element with this id, and says so in the status beside it.
   Browsers give the clipboard to pages by https (and on this machine) alone; elsewhere the text is selected. */

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(source);
      status.textContent = "Selected: press Ctrl+C (or Cmd+C).";
    }
  });
}
