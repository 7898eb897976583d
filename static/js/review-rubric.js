/* The rubric editor: one more row at a press. Without this file one empty row stands at the end. */

const rows = document.getElementById("question-rows");
const total = document.querySelector("[name=form-TOTAL_FORMS]");

document.getElementById("add-question").addEventListener("click", () => {
  const row = document.getElementById("empty-question").content.firstElementChild.cloneNode(true);
  for (const one of [row, ...row.querySelectorAll("*")]) {
    for (const name of ["id", "name", "for", "aria-describedby"]) {
      if (one.hasAttribute(name)) one.setAttribute(name, one.getAttribute(name).replace("__prefix__", total.value));
    }
  }
  rows.append(row);
  total.value = Number(total.value) + 1;
  row.querySelector("input:not([type=hidden])").focus();
});
