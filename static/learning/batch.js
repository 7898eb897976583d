/* Collects items and sends them together. */

import { AgentLearningError } from "./request.js";
import { kindOf, sleep } from "./transport.js";

const MOST_ITEMS = 1000;
const MOST_BYTES = 4_000_000; // the server takes 5 MB

export class Batcher {
  #send;
  #waiting = [];
  #bytes = 0;
  #timer = null;
  #last = Promise.resolve();
  #closed = false;

  /**
   * `send(items)` posts a batch and answers its results. A batch goes out when `size` items wait, or `every`
   * milliseconds after the first one. At most `limit` items wait: beyond that `add` refuses.
   */
  constructor(send, { size = 100, every = 1000, limit = 10_000, patience = 60_000 } = {}) {
    this.#send = send;
    Object.assign(this, { size: Math.min(size, MOST_ITEMS), every, limit, patience });
  }

  /** Items that no answer came for yet. */
  get waiting() {
    return this.#waiting.length;
  }

  /** Promises {id} once the item is stored. Rejects with the reason when it was refused, on its own. */
  add(item) {
    if (this.#closed) return Promise.reject(new AgentLearningError("This batch is closed."));
    if (this.#waiting.length >= this.limit) return Promise.reject(new AgentLearningError("Too many items are waiting."));
    const bytes = JSON.stringify(item).length * 3; // at most three bytes for each UTF-16 unit
    const entry = { item, bytes };
    const promise = new Promise((done, fail) => Object.assign(entry, { done, fail }));
    promise.catch(() => {}); // who does not look at the promise must not be stopped by it
    this.#waiting.push(entry);
    this.#bytes += bytes;
    if (this.#waiting.length >= this.size || this.#bytes >= MOST_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.every);
    return promise;
  }

  /** Sends what waits; resolves when all of it was answered or given up. Never rejects. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#last = this.#last.then(() => this.#drain());
    return this.#last;
  }

  /** Sends what waits and takes nothing more. Call it before the process ends. */
  close() {
    this.#closed = true;
    return this.flush();
  }

  async #drain() {
    const started = Date.now();
    while (this.#waiting.length) {
      const entries = this.#take();
      try {
        const { results } = await this.#patiently(entries, started);
        for (const result of results) settle(entries[result.index], result);
      } catch (error) {
        for (const { fail } of entries) fail(error);
      }
    }
  }

  /** Tries again, with the same items and ids, as long as the fault is temporary and patience lasts. */
  async #patiently(entries, started) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#send(entries.map(({ item }) => item));
      } catch (error) {
        const pause = Math.max(error.retryAfter * 1000 || 0, Math.min(500 * 2 ** tries, 10_000));
        if (!error.temporary || Date.now() + pause - started > this.patience) throw error;
        await sleep(pause);
      }
    }
  }

  #take() {
    let count = 0;
    for (let bytes = 0; count < Math.min(this.#waiting.length, this.size); count++) {
      bytes += this.#waiting[count].bytes;
      if (count && bytes > MOST_BYTES) break;
    }
    const taken = this.#waiting.splice(0, count);
    this.#bytes -= taken.reduce((sum, { bytes }) => sum + bytes, 0);
    return taken;
  }
}

function settle(entry, { status, id, errors = [] }) {
  if (status === 201) entry.done({ id });
  else entry.fail(new (kindOf(status))(errors[0]?.message ?? `Refused with ${status}.`, { status, errors }));
}
