/* Two outputs beside each other: which one is better, and by how much. */

import { field, form } from "./review-fields.js";

/** One of the seven choices was taken. */
export function choosePreference(button) {
  field("better").value = button.dataset.choice;
  field("strength").value = button.dataset.strength;
  showPair();
}

/** Marks the choice that the fields hold. */
export function showPair() {
  if (!form()?.querySelector("[data-choice]")) return;
  const [better, strength] = [field("better").value, field("strength").value];
  for (const button of form().querySelectorAll("[data-choice]")) {
    const chosen = button.dataset.choice === better && button.dataset.strength === strength;
    button.setAttribute("aria-pressed", String(chosen));
  }
  for (const side of form().querySelectorAll("[data-side]")) side.toggleAttribute("data-better", side.dataset.side === better);
}
