/* The review desk beyond plain forms: scores by slider, a diff while one types, drafts, the lease's heartbeat and
   the keyboard. Without this file the page still works: its form is sent and the next item follows. */

import { notify } from "./app.js";
import { redraw, showView } from "./review-diff.js";
import * as drafts from "./review-drafts.js";
import { addCategory, field, form, fromNumber, fromSlider, removeCategory } from "./review-fields.js";
import { itemAppeared, onKey } from "./review-keys.js";
import { choosePreference, showPair } from "./review-pairs.js";

const HEARTBEAT_EVERY = 60_000; // a lease lasts ten minutes
const IDLE_AFTER = 60_000; // time away does not count as time spent
const GONE_AFTER = 600_000; // nobody there: let the lease run out

let busy = false;
let handing = null; // the example whose review is on its way
let lastActive = Date.now();
let seconds = 0;

const spent = () => Math.min(Math.round(seconds), 86_400);

/* An item appears */

function begin() {
  busy = false;
  itemAppeared();
  if (form()) {
    const back = drafts.bringBack();
    seconds = Number(field("seconds_spent").value) || 0;
    redraw(); // the server's marks may lie elsewhere; they must not jump at the first letter
    showView();
    showPair();
    const refused = form().querySelector("[role=alert]"); // tells its reason by itself, and holds what was typed
    if (back && !refused) announce("What you typed without a connection is back.");
    else if (!back && form().dataset.keptAt && !drafts.offering()) drafts.state(drafts.SAVED);
  }
  const said = document.querySelector("[data-notice]");
  if (said) announce(said.textContent.trim());
}

/** For screen readers: the desk itself is exchanged, which they do not notice. */
function announce(text) {
  const says = document.getElementById("desk-says");
  says.textContent = text;
  setTimeout(() => { if (says.textContent === text) says.textContent = ""; }, 5_000);
}

function follow() {
  begin();
  window.scrollTo({ top: 0, behavior: "instant" });
  (document.getElementById("item-title") ?? document.getElementById("nothing-title"))?.focus({ preventScroll: true });
}

/* The lease */

async function beat() {
  const here = form();
  if (!here || here.dataset.lost || Date.now() - lastActive > GONE_AFTER) return;
  try {
    const answer = await fetch(here.dataset.heartbeat, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": field("csrfmiddlewaretoken").value },
      body: JSON.stringify({ lease_token: field("lease_token").value }),
    });
    if (answer.status === 409 && here === form()) {
      here.dataset.lost = "yes";
      drafts.state(drafts.LOST, true);
      notify("This item went to somebody else while you were away. What you write is kept as an extra opinion.", "warning");
    }
  } catch { /* the next beat tries again; a lease outlives several */ }
}

/** An adjudicator goes on from what a reviewer wrote. */
function take(text) {
  const box = field("corrected_output");
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
}

/* Wiring: on the document, because items come and go */

document.addEventListener("keydown", (event) => {
  lastActive = Date.now();
  onKey(event, () => busy);
});
document.addEventListener("pointerdown", () => { lastActive = Date.now(); });
document.addEventListener("input", (event) => {
  if (!form()?.contains(event.target)) return;
  lastActive = Date.now();
  if (event.target.dataset.score) fromSlider(event.target);
  else if (event.target.type === "number") fromNumber(event.target);
  if (event.target.name === "corrected_output") redraw();
  field("seconds_spent").value = spent();
  drafts.keepSoon();
});
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-shortcuts]")) document.getElementById("shortcuts").showModal();
  if (at("[data-view]")) showView(at("[data-view]").dataset.view);
  if (at("[data-add-category]")) addCategory();
  if (at("[data-remove-category]")) {
    removeCategory(at("[data-remove-category]"));
    drafts.keepSoon();
  }
  if (at("[data-take]")) take(at("[data-take]").dataset.take);
  if (at("[data-choice]")) {
    choosePreference(at("[data-choice]"));
    drafts.keepSoon();
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.closest("dialog")) return;
  if (event.target === form()) field("seconds_spent").value = spent();
  else if (drafts.unsaved()) drafts.save(true); // leaving for another item: what was typed goes along
}, true);
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id !== "desk") return;
  busy = true;
  handing = event.target === form() ? form().dataset.example : null;
  if (handing) drafts.forget();
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
  } else if (xhr.status < 400 && handing) drafts.handedIn(handing);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "desk" || event.detail.target?.id === "desk") follow();
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target !== form() || !busy) return;
  if (event.detail.xhr.getResponseHeader("HX-Redirect")) { // handed in, and on to another page
    drafts.handedIn(handing);
    return;
  }
  busy = false; // it did not go through: the draft that was called off is wanted again
  drafts.keepSoon();
});
window.addEventListener("online", () => { if (drafts.unsaved()) drafts.save(); });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && drafts.unsaved()) drafts.save(true);
  else if (document.visibilityState === "visible") beat(); // back at the desk: is the item still mine?
});

setInterval(beat, HEARTBEAT_EVERY);
setInterval(() => {
  if (document.visibilityState === "visible" && Date.now() - lastActive < IDLE_AFTER) seconds += 1;
}, 1_000);
drafts.listen(announce);
begin();
