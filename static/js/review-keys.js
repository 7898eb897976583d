/* The keyboard of the review desk: one letter, one deed. Letters are letters while one types. */

import { otherView } from "./review-diff.js";
import { addCategory, field, form } from "./review-fields.js";

const SETTLE = 400; // milliseconds: keys pressed as an item appears were meant for the one before
const TEXTUAL = "textarea, select, input:not([type=range], [type=checkbox], [type=radio])";
const FIELDS = "textarea, input:not([type=hidden]), select, .category button";

let shownAt = 0;

export const itemAppeared = () => { shownAt = performance.now(); };

const typing = (target) => target.isContentEditable || target.matches(TEXTUAL);
const within = (selector) => [...form().querySelectorAll(selector)].filter((one) => one.checkVisibility());

function press(key) {
  const button = document.querySelector(`.decisions [data-key="${key}"]`);
  if (!button) return;
  const popup = button.closest("details");
  if (popup && !popup.open) {
    popup.open = true;
    popup.querySelector("select, textarea, input").focus();
  } else button.click();
}

function toEnd(box) {
  if (!box) return;
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function step(by) {
  if (!form()) return;
  const fields = within(FIELDS);
  const place = fields.indexOf(document.activeElement);
  (fields[place < 0 && by < 0 ? fields.length - 1 : place + by] ?? fields.at(by < 0 ? -1 : 0)).focus();
}

function choose(place) {
  const choices = document.querySelectorAll("[data-choice]");
  if (choices.length) choices[place]?.click();
  else document.querySelector(`.score [data-key="${place + 1}"]`)?.focus();
}

const actions = {
  a: () => press("a"),
  r: () => press("r"),
  n: () => press("n"),
  s: () => press("s"),
  f: () => press("f"),
  e: () => toEnd(field("corrected_output")),
  m: () => toEnd(field("notes")),
  c: () => document.getElementById("categories") && addCategory(),
  q: () => document.querySelector("[data-question] input, [data-question] textarea")?.focus(),
  t: () => field("is_training_data")?.click(),
  d: () => otherView(),
  j: () => step(1),
  k: () => step(-1),
  u: () => document.querySelector("[data-undo] button")?.click(),
  "?": () => document.getElementById("shortcuts").showModal(),
};
for (let digit = 1; digit <= 7; digit++) actions[digit] = () => choose(digit - 1);

/** `busy()` says whether an item is on its way. */
export function onKey(event, busy) {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()?.contains(event.target)) {
    event.preventDefault();
    if (!busy()) press("a");
    return;
  }
  if (event.key === "Escape" && form()?.contains(event.target)) document.getElementById("item-title").focus();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  if (event.key === "Enter" && event.target.dataset?.score) {
    event.preventDefault();
    document.getElementById(event.target.dataset.score).select(); // from the slider to its number
    return;
  }
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || busy() || performance.now() - shownAt < SETTLE) return;
  event.preventDefault();
  action();
}
