/* The agent's answer against the right one, marked while one types: in one text, or in two beside each other. */

import { field } from "./review-fields.js";
import { wordDiff } from "./word-diff.js";

const REMEMBERED = "review-diff-view";
const box = () => document.getElementById("live-diff");

export function redraw() {
  if (!box()) return;
  const before = box().dataset.original;
  const after = field("corrected_output").value;
  const parts = wordDiff(before, after);
  draw("whole", parts);
  draw("before", parts.filter(([op]) => op !== "insert"));
  draw("after", parts.filter(([op]) => op !== "delete"));
  document.getElementById("diff-note").textContent = before === after
    ? "The answer is unchanged."
    : "Struck through: what the agent said and should not. Underlined: what is new.";
}

function draw(part, parts) {
  const marks = parts.map(([op, text]) => {
    if (op === "equal") return text;
    const mark = document.createElement(op === "insert" ? "ins" : "del");
    mark.textContent = text;
    return mark;
  });
  box().querySelector(`[data-part="${part}"]`).replaceChildren(...marks);
}

const remembered = () => {
  try {
    return localStorage.getItem(REMEMBERED) ?? "inline";
  } catch { return "inline"; }
};

/** Shows the view that was chosen last, or the given one, which is remembered. */
export function showView(view = remembered()) {
  if (!box()) return;
  const sides = view === "sides";
  try {
    localStorage.setItem(REMEMBERED, view);
  } catch { /* storage is off: this view then lasts for this item */ }
  box().toggleAttribute("data-sides", sides);
  for (const part of box().querySelectorAll("[data-part]")) part.parentElement.hidden = (part.dataset.part === "whole") === sides;
  for (const button of document.querySelectorAll("#diff-views [data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
}

export const otherView = () => showView(box()?.hasAttribute("data-sides") ? "inline" : "sides");
