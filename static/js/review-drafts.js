/* What is typed is kept: on the server a moment after each change, and in this browser until the server has it.
   So it survives a closed tab, a lost connection and a lost lease. */

import { field, form, show, typed } from "./review-fields.js";

const SAVE_AFTER = 700; // milliseconds without a change
const RETRY_AFTER = 4_000;
const KEPT_FOR = 30 * 86_400_000;
const MOST_KEPT = 100;
const PREFIX = "review-draft:";

export const SAVED = "Saved";
export const OFFLINE = "Offline: kept here";
export const LOST = "Somebody else took this item: your text is kept";
const SIGNED_OUT = "Signed out: kept here. Sign in in another tab.";
const REFUSED = "Too large to be saved: kept here";

let timer = 0;
let request = null;
let tell = () => {};

/** `say(text)` is called when something happens that a screen reader should tell. */
export function listen(say) {
  tell = say;
}

/* The copy in this browser */

const mine = () => `${PREFIX}${document.getElementById("desk").dataset.person}:`;
const key = () => mine() + form().dataset.example;

const read = (name) => {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch { return null; }
};

const kept = () => {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  } catch { return []; }
};

function keepHere() {
  const here = form();
  const copy = { at: Date.now(), base: here.dataset.keptAt, url: here.dataset.drafts, content: typed() };
  try {
    localStorage.setItem(key(), JSON.stringify(copy));
  } catch { /* storage is off or full: the server's copy must do */ }
}

const dropHere = (name) => {
  try {
    localStorage.removeItem(name);
  } catch { /* storage is off */ }
};

function tidy() {
  const byAge = kept().map((name) => [read(name)?.at ?? 0, name]).sort((a, b) => b[0] - a[0]);
  byAge.forEach(([at, name], place) => {
    if (place >= MOST_KEPT || Date.now() - at > KEPT_FOR) dropHere(name);
  });
}

/* Saving */

/** Something was typed: keep it here at once, and send it soon. */
export function keepSoon(after = SAVE_AFTER) {
  if (!form()) return;
  keepHere();
  clearTimeout(timer);
  timer = setTimeout(save, after);
}

/** Sends what has been typed. `leaving`: the page may go away meanwhile. */
export async function save(leaving = false) {
  const here = form();
  if (!here) return;
  const [name, copy] = [key(), read(key())];
  clearTimeout(timer);
  timer = 0;
  request?.abort();
  request = new AbortController();
  let next = state;
  try {
    const answer = await fetch(here.dataset.drafts, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "X-CSRFToken": field("csrfmiddlewaretoken").value },
      body: JSON.stringify({ content: copy?.content ?? typed() }),
      signal: request.signal,
      keepalive: leaving, // outlives the page, but takes small bodies only
    });
    if (answer.ok) {
      const { saved_at: savedAt } = await answer.json();
      if (read(name)?.at === copy?.at) dropHere(name);
      next = () => { here.dataset.keptAt = savedAt; state(SAVED); };
    } else if (answer.status === 401 || answer.status === 403) next = () => state(SIGNED_OUT, true);
    else if (answer.status >= 500 || answer.status === 429) next = later;
    else next = () => state(REFUSED, true);
  } catch (error) {
    if (error.name === "AbortError") return;
    next = later;
  }
  if (here === form()) next();
}

function later() {
  state(OFFLINE, true);
  clearTimeout(timer);
  timer = setTimeout(save, RETRY_AFTER);
}

export const offering = () => Boolean(document.querySelector("#draft-state button"));
export const unsaved = () => timer !== 0;

/** The review is being handed in: a draft on its way would come back after it. */
export function forget() {
  clearTimeout(timer);
  timer = 0;
  request?.abort();
}

/** The review was taken: nothing of it has to be kept here. */
export function handedIn(example) {
  dropHere(mine() + example);
}

/* An item appears */

const time = (text) => Date.parse(text) || 0;

/** Brings back what was typed here and never reached the server; true when there was something. */
export function bringBack() {
  tidy();
  sendOthers();
  const here = form();
  const copy = here && read(key());
  if (!copy) return false;
  const there = time(here.dataset.keptAt);
  if (time(copy.base) !== there && copy.at < there) { // written elsewhere since
    if (same(copy.content, typed())) dropHere(key());
    else offer(copy.content);
    return false;
  }
  show(copy.content);
  keepSoon(0);
  return true;
}

const same = (one, other) =>
  JSON.stringify({ ...one, seconds_spent: 0 }) === JSON.stringify({ ...other, seconds_spent: 0 });

/** Two texts, and only their author can tell which one is wanted: the older one is a button away. */
function offer(content) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button small", textContent: "Show the older text kept here" });
  button.addEventListener("click", () => {
    show(content);
    field("corrected_output")?.dispatchEvent(new Event("input", { bubbles: true }));
    keepSoon();
  });
  document.getElementById("draft-state").replaceChildren(button);
}

/** Drafts of other items that were typed without a connection: the server gets them, unless it has newer ones. */
async function sendOthers() {
  const here = form();
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  for (const name of kept().filter((one) => one.startsWith(mine()) && (!here || one !== key()))) {
    const { url, base, content } = read(name) ?? {};
    if (!url) continue;
    try {
      const there = await fetch(url);
      const since = there.ok ? (await there.json()).saved_at : "";
      if (there.status !== 404 && time(since) !== time(base)) continue;
      const answer = await fetch(url, {
        method: "PUT",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ content }),
      });
      if (answer.ok) dropHere(name);
    } catch { return; }
  }
}

/* What is said about it */

/** The quiet line beside the buttons; what is no routine is told to screen readers too. */
export function state(text, aloud = false) {
  const line = document.getElementById("draft-state");
  if (!line || line.textContent === text) return;
  const lost = form()?.dataset.lost && text === SAVED;
  line.textContent = lost ? LOST : text;
  line.toggleAttribute("data-trouble", aloud || Boolean(lost));
  if (aloud) tell(text);
}
