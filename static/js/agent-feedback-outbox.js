/* Each piece of feedback is kept in localStorage, under its idempotency key, from before the first try until the server
   took or refused it: a lost connection or a closed tab loses nothing and doubles nothing. */

import { ask, parsed } from "../learning/request.js";

const PREFIX = "agent-feedback:";
const MOST_ITEMS = 50;
const MOST_CHARACTERS = 1_000_000;
const LONGEST = 7 * 24 * 3600_000; // milliseconds
const FIRST_PAUSE = 2_000;
const LAST_PAUSE = 300_000;
const BEACON_BYTES = 20_000; // 64 kB in all may outlive a page

class Outbox {
  #owners = new Map();
  #credentials = new Map();
  #notBefore = new Map(); // endpoint -> when the server wants to be asked again
  #sending = new Map();
  #failures = 0;
  #timer = 0;

  /** Kept feedback on an execution is sent with the newest key or token for it. */
  know(endpoint, execution, credential) {
    this.#credentials.set(`${endpoint}\n${execution}`, credential);
  }

  /** The kept pieces, the oldest first. What cannot be read or is too old is thrown away. */
  items() {
    const found = [];
    for (const [key, text] of Object.entries(stored())) {
      const item = parsed(text);
      if (item?.id && Date.now() - item.at < LONGEST) found.push(item);
      else storage()?.removeItem(key);
    }
    return found.sort((one, other) => one.at - other.at);
  }

  /** Resolves to {state, answer, error}: sent, kept, refused, or lost (failed and not kept). `settled` hears what becomes
      of a kept piece. */
  async submit(item, settled) {
    const kept = this.#keep(item);
    if (kept) this.#owners.set(item.id, settled);
    const outcome = await this.#deliver(item);
    if (outcome.state !== "kept") this.#owners.delete(item.id);
    return kept || outcome.state !== "kept" ? outcome : { ...outcome, state: "lost" };
  }

  /** Sends what is kept, in one tab at a time; an endpoint that fails is left for later. */
  async flush() {
    clearTimeout(this.#timer);
    const locks = navigator.locks;
    if (locks) await locks.request(PREFIX, { ifAvailable: true }, (lock) => lock && this.#flushAll());
    else await this.#flushAll();
    if (Object.keys(stored()).length) this.#later();
  }

  async #flushAll() {
    const failed = new Set();
    for (const item of this.items()) {
      if (failed.has(item.endpoint) || this.#sending.has(item.id)) continue;
      const outcome = await this.#deliver(item);
      if (outcome.state === "kept") failed.add(item.endpoint);
      else this.#settle(item, outcome);
    }
  }

  #deliver(item) {
    const running = this.#attempt(item).finally(() => this.#sending.delete(item.id));
    this.#sending.set(item.id, running);
    return running;
  }

  async #attempt(item) {
    const { id, endpoint, body } = item;
    if (Date.now() < (this.#notBefore.get(endpoint) ?? 0)) return this.#keptFor(undefined);
    const credential = this.#credentials.get(`${endpoint}\n${body.execution_id}`) ?? item.credential;
    try {
      const keepalive = JSON.stringify(body).length < BEACON_BYTES;
      const answer = await ask("POST", `${endpoint}feedback`, { credential, body, key: id, keepalive });
      this.#failures = 0;
      this.#forget(item);
      return { state: "sent", answer };
    } catch (error) {
      if (!error.temporary) return this.#refused(item, error);
      if (error.retryAfter) this.#notBefore.set(endpoint, Date.now() + error.retryAfter * 1000);
      this.#failures++;
      return this.#keptFor(error);
    }
  }

  #keptFor(error) {
    this.#later();
    return { state: "kept", error };
  }

  #refused(item, error) {
    if (storage()?.getItem(PREFIX + item.id)) put({ ...item, refused: error.message }); // for the tab that it came from
    this.#forget(item);
    return { state: "refused", error };
  }

  #later() {
    clearTimeout(this.#timer);
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.max(this.#failures - 1, 0), LAST_PAUSE) * (0.75 + Math.random() / 2);
    const waits = [...this.#notBefore.values()].map((time) => time - Date.now()).filter((wait) => wait > 0);
    this.#timer = setTimeout(() => this.flush(), waits.length ? Math.max(pause, Math.min(...waits)) : pause);
  }

  #keep(item) {
    const kept = Object.values(stored());
    const characters = kept.reduce((sum, text) => sum + text.length, JSON.stringify(item).length);
    return kept.length < MOST_ITEMS && characters < MOST_CHARACTERS && put(item);
  }

  #forget({ id }) {
    storage()?.removeItem(PREFIX + id);
  }

  #settle(item, outcome) {
    const owner = this.#owners.get(item.id);
    this.#owners.delete(item.id);
    if (owner) owner(outcome);
    else this.orphan?.(item, outcome);
  }

  /** Another tab sent or refused a piece of this one. */
  heard({ key, oldValue, newValue }) {
    const item = key?.startsWith(PREFIX) && newValue === null ? parsed(oldValue) : null;
    if (!item || !this.#owners.has(item.id) || this.#sending.has(item.id)) return;
    this.#settle(item, item.refused ? { state: "refused", error: new Error(item.refused) } : { state: "sent", answer: {} });
  }
}

/** Throws nothing where a page may keep nothing. */
function storage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

function stored() {
  const all = Object.entries(storage() ?? {});
  return Object.fromEntries(all.filter(([key]) => key.startsWith(PREFIX)));
}

function put(item) {
  try {
    storage().setItem(PREFIX + item.id, JSON.stringify(item));
    return true;
  } catch {
    return false; // no storage, or full
  }
}

export const outbox = new Outbox();

addEventListener("online", () => outbox.flush());
addEventListener("storage", (event) => outbox.heard(event));
