/* The review desk beyond plain forms: scores by slider, a diff while one types, drafts, the lease's heartbeat and
   the keyboard. Without this file the page still works: its form is sent and the next item follows. */

import { notify } from "./app.js";
import { wordDiff } from "./word-diff.js";

const DRAFT_AFTER = 700; // milliseconds without a keystroke
const RETRY_AFTER = 4_000;
const HEARTBEAT_EVERY = 120_000; // a lease lasts ten minutes
const IDLE_AFTER = 60_000; // time away does not count as time spent
const GONE_AFTER = 600_000; // nobody there: let the lease run out
const SETTLE = 400; // keys pressed as an item appears were meant for the one before

const form = () => document.getElementById("review-form");
const field = (name) => form()?.elements.namedItem(name);

let busy = false;
let shownAt = 0;
let lastActive = Date.now();
let seconds = 0;
let draftTimer = 0;
let draftRequest = null;

/* An item appears */

function begin() {
  busy = false;
  shownAt = performance.now();
  seconds = 0;
  if (form()) redraw(); // the server's marks may lie elsewhere; they must not jump at the first letter
  const said = document.querySelector("[data-notice]");
  announce(said?.textContent.trim() ?? "");
}

/** For screen readers: the desk itself is exchanged, which they do not notice. */
function announce(text) {
  const says = document.getElementById("desk-says");
  says.textContent = text;
  setTimeout(() => { if (says.textContent === text) says.textContent = ""; }, 5_000);
}

function follow() {
  begin();
  window.scrollTo(0, 0);
  document.getElementById("item-title")?.focus({ preventScroll: true });
}

/* Scores: the slider moves the number, which is what is sent; an empty number is no score */

function fromSlider(slider) {
  document.getElementById(slider.dataset.score).value = String(Number(slider.value));
  slider.removeAttribute("data-unset");
  slider.removeAttribute("aria-valuetext");
}

function fromNumber(number) {
  const slider = document.querySelector(`[data-score="${number.id}"]`);
  if (!slider) return;
  const unset = number.value === "";
  slider.value = unset ? "0.5" : number.value;
  slider.toggleAttribute("data-unset", unset);
  if (unset) slider.setAttribute("aria-valuetext", "not scored");
  else slider.removeAttribute("aria-valuetext");
}

/* The diff */

function redraw() {
  const box = document.getElementById("live-diff");
  const typed = field("corrected_output").value;
  const parts = wordDiff(box.dataset.original, typed).map(([op, text]) => {
    if (op === "equal") return text;
    const mark = document.createElement(op === "insert" ? "ins" : "del");
    mark.textContent = text;
    return mark;
  });
  box.replaceChildren(...parts);
  document.getElementById("diff-note").textContent = box.dataset.original === typed
    ? "The answer is unchanged."
    : "Struck through: what the agent said and should not. Underlined: what is new.";
}

/* Drafts and the lease */

async function send(url, method, body, leaving = false) {
  return fetch(url, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": field("csrfmiddlewaretoken").value },
    body: JSON.stringify(body),
    signal: method === "PUT" ? (draftRequest = new AbortController()).signal : undefined,
    keepalive: leaving, // outlives the page, but takes small bodies only
  });
}

function typed() {
  const content = {};
  for (const name of ["corrected_output", "notes"]) content[name] = field(name).value;
  content.improvement_suggestions = field("improvement_suggestions").value.split("\n").filter((line) => line.trim());
  for (const name of ["technical_accuracy", "professional_quality", "completeness", "clarity", "confidence"]) {
    if (field(name).value !== "" && field(name).validity.valid) content[name] = Number(field(name).value);
  }
  return content;
}

function keepSoon(after = DRAFT_AFTER) {
  clearTimeout(draftTimer);
  draftTimer = setTimeout(keep, after);
}

async function keep(leaving = false) {
  const here = form();
  if (!here || busy) return;
  draftTimer = 0;
  try {
    const answer = await send(here.dataset.draftUrl, "PUT", { content: typed() }, leaving);
    if (here !== form()) return;
    if (answer.ok) state("Draft saved");
    else if (answer.status === 401 || answer.status === 403) state("Not saved: you were signed out. Sign in in another tab.");
    else if (answer.status >= 500) later();
    else state("The draft could not be saved.");
  } catch (error) {
    if (error.name !== "AbortError" && here === form()) later();
  }
}

function later() {
  state("Not saved: no connection. Trying again…");
  keepSoon(RETRY_AFTER);
}

function state(text) {
  document.getElementById("draft-state").textContent = text;
}

function forget() {
  clearTimeout(draftTimer);
  draftTimer = 0;
  draftRequest?.abort();
}

async function beat() {
  const here = form();
  if (!here || here.dataset.lost || Date.now() - lastActive > GONE_AFTER) return;
  try {
    const answer = await send(here.dataset.heartbeatUrl, "POST", { lease_token: field("lease_token").value });
    if (answer.status === 409 && here === form()) {
      here.dataset.lost = "yes";
      notify("This item went to somebody else while you were away. What you write is kept as an extra opinion.", "warning");
    }
  } catch { /* the next beat tries again; a lease outlives several */ }
}

/* The keyboard */

const typing = (target) =>
  target.isContentEditable || target.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio])");

function press(key) {
  document.querySelector(`.decisions [data-key="${key}"]`)?.click();
}

const actions = {
  a: () => press("a"),
  r: () => press("r"),
  n: () => press("n"),
  s: () => press("s"),
  e: () => toEnd(field("corrected_output")),
  m: () => toEnd(field("notes")),
  u: () => document.querySelector("[data-undo] button")?.click(),
  "?": () => document.getElementById("shortcuts").showModal(),
};
for (const key of "1234") actions[key] = () => document.querySelector(`.score [data-key="${key}"]`)?.focus();

function toEnd(box) {
  if (!box) return;
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function onKey(event) {
  lastActive = Date.now();
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.name === "corrected_output") {
    event.preventDefault();
    if (!busy) press("a");
    return;
  }
  if (event.key === "Escape" && form()?.contains(event.target)) document.getElementById("item-title").focus();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || busy || performance.now() - shownAt < SETTLE) return;
  event.preventDefault();
  action();
}

/* Wiring: on the document, because items come and go */

document.addEventListener("keydown", onKey);
document.addEventListener("pointerdown", () => { lastActive = Date.now(); });
document.addEventListener("input", (event) => {
  if (!form()?.contains(event.target)) return;
  lastActive = Date.now();
  if (event.target.dataset.score) fromSlider(event.target);
  else if (event.target.type === "number") fromNumber(event.target);
  if (event.target.name === "corrected_output") redraw();
  keepSoon();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts]")) document.getElementById("shortcuts").showModal();
});
document.addEventListener("submit", (event) => {
  if (event.target.closest("dialog")) return;
  if (event.target === form()) field("seconds_spent").value = Math.min(Math.round(seconds), 86_400);
  else if (draftTimer) keep(true); // leaving for another item: what was typed goes along
}, true);
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target !== form()) return;
  busy = true;
  forget();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (event.detail.target?.id !== "desk") return;
  if (xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  } else if (xhr.status < 400 && !xhr.responseText.includes('id="desk"')) {
    event.detail.shouldSwap = false; // the sign-in page, for instance: what was typed must stay
    notify("You were signed out. Sign in in another tab and press the button again; your text stays here.", "warning");
  }
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "desk" || event.detail.target?.id === "desk") follow();
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target === form() && busy) {
    busy = false;
    keepSoon(); // it did not go through: the draft that was called off is wanted again
  }
});
window.addEventListener("online", () => keepSoon(0));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && draftTimer) keep(true);
});
setInterval(beat, HEARTBEAT_EVERY);
setInterval(() => {
  if (document.visibilityState === "visible" && Date.now() - lastActive < IDLE_AFTER) seconds += 1;
}, 1_000);
begin();
