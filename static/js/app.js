/* What every page needs beyond HTML: menus that close, questions before danger, failures that are seen.
   Pages work without it. */

const menus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("input", (event) => {
  if (event.target.type !== "range") return;
  const shown = event.target.closest(".range")?.querySelector("output");
  if (shown) shown.textContent = event.target.value;
});

/** Adds a message at the top of the page; `kind` is success, info, warning or error. */
export function notify(text, kind = "info") {
  const list = document.getElementById("messages");
  if (!list) return;
  for (const same of list.children) if (same.textContent === text) return;
  const line = document.createElement("div");
  line.className = `message ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  line.append(words);
  list.append(line);
}

const lost = "The server cannot be reached. What you see may be old; your last change was not sent.";

document.addEventListener("htmx:sendError", () => notify(lost, "error"));
document.addEventListener("htmx:timeout", () => notify(lost, "error"));
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) notify("You were signed out. Reload the page to sign in again.", "warning");
  else if (status === 403) notify("Your role does not include this.", "error");
  else if (status !== 404 && status !== 409) notify(`That did not work (${status}). Nothing was changed.`, "error");
});
