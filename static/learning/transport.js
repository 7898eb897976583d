/* Requests with retries and an error class for each kind of refusal. */

import { AgentLearningError, ask } from "./request.js";

const LONGEST_WAIT = 30; // seconds that a call waits by itself; whoever is told to wait longer gets the error

/** No answer came: no connection, a broken one, or none in time. */
export class UnreachableError extends AgentLearningError {}
/** 400, 413, 415: the request has errors. */
export class InvalidError extends AgentLearningError {}
/** 401: no key or token, or one that is unknown, revoked, altered or expired. */
export class UnauthenticatedError extends AgentLearningError {
  get expired() {
    return /\bexpired\b/i.test(this.message);
  }
}
/** 403: the key, role or origin may not do this. */
export class ForbiddenError extends AgentLearningError {}
export class NotFoundError extends AgentLearningError {}
/** 409: it is stored already with another content, or the state of things speaks against it. */
export class ConflictError extends AgentLearningError {}
/** 429: wait `retryAfter` seconds. */
export class TooManyError extends AgentLearningError {}
/** 5xx: the server's fault; nothing was stored when it is 503. */
export class ServerError extends AgentLearningError {}

const KINDS = {
  0: UnreachableError,
  401: UnauthenticatedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  429: TooManyError,
};

/** The class of errors for a status. */
export function kindOf(status) {
  return KINDS[status] ?? (status >= 500 ? ServerError : InvalidError);
}

export class Transport {
  #how;

  /**
   * `credential` is a key (pk_, sk_) or a feedback token (ft_); without one a page of the same origin acts as the
   * person who is signed in, and `csrf()` gives the token for that. `timeout` in milliseconds for each try; `retries`
   * after the first one.
   */
  constructor({ endpoint = "/api/learning/", credential = "", timeout = 15_000, retries = 2, csrf } = {}) {
    this.endpoint = endpoint.endsWith("/") ? endpoint : `${endpoint}/`;
    this.retries = retries;
    this.#how = { credential, timeout, csrf };
  }

  /**
   * The answer's JSON. `repeatable` says that the server takes the same request twice as one; other writes are tried
   * again only where the server said that it stored nothing.
   */
  async request(method, path, { query, repeatable, ...options } = {}) {
    const address = this.endpoint + path + encoded(query);
    const safe = repeatable ?? (method === "GET" || Boolean(options.key));
    for (let tries = 0; ; tries++) {
      try {
        return await ask(method, address, { ...this.#how, ...options });
      } catch (error) {
        if (!(error instanceof AgentLearningError)) throw error;
        const again = error.temporary && tries < this.retries && error.retryAfter <= LONGEST_WAIT;
        if (!again || !(safe || error.status === 429 || error.status === 503)) throw typed(error);
        await sleep(Math.max(error.retryAfter * 1000, 300 * 2 ** tries * (0.75 + Math.random() / 2)), options.signal);
      }
    }
  }
}

function encoded(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** Wakes after a time. Rejects with the signal's reason when it aborts first. */
export function sleep(milliseconds, signal) {
  return new Promise((wake, fail) => {
    const stop = () => (clearTimeout(timer), fail(signal.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), wake()), milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function typed(error) {
  const Kind = kindOf(error.status);
  return new Kind(error.message, error);
}
