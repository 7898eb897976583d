/* One request to the HTTP API, in browsers and Node 18+. */

/** What went wrong. `status` is 0 when no answer came; `errors` names fields: [{field, message}]; `retryAfter` in seconds. */
export class AgentLearningError extends Error {
  constructor(message, { status = 0, problem = {}, errors = [], retryAfter = 0, cause } = {}) {
    super(message, { cause });
    this.name = new.target.name;
    Object.assign(this, { status, problem, errors, retryAfter });
  }

  /** Whether the same request may succeed later. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** A fresh idempotency key. Plain-http pages lack crypto.randomUUID, and Node 18 lacks the global crypto. */
export function newKey() {
  const { crypto } = globalThis;
  if (crypto?.randomUUID) return crypto.randomUUID();
  const bytes = crypto ? crypto.getRandomValues(new Uint8Array(16)) : Array.from({ length: 16 }, () => Math.random() * 256);
  return Array.from(bytes, (byte) => (byte & 255).toString(16).padStart(2, "0")).join("");
}

/**
 * The answer's JSON ({} for an empty one, undefined for 304). Without a `credential`, a key or a token, a page of the same
 * origin acts as the person who is signed in. Throws AgentLearningError, or the signal's reason.
 */
export async function ask(method, address, { credential, body, key, headers, signal, timeout = 15_000, keepalive, onAnswer, csrf }) {
  const sent = { Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (key) sent["Idempotency-Key"] = key;
  if (credential) sent.Authorization = `Bearer ${credential}`;
  else if (method !== "GET") sent["X-CSRFToken"] = (csrf ?? csrfCookie)();
  signal?.throwIfAborted();
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, timeout);
  signal?.addEventListener("abort", stop);
  let response, text;
  try {
    const credentials = credential ? "omit" : "same-origin";
    response = await fetch(address, { method, headers: sent, body: JSON.stringify(body), credentials, keepalive, signal: limit.signal });
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AgentLearningError("The server could not be reached.", { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
  onAnswer?.(response);
  if (response.status === 304) return undefined;
  if (response.ok) return parsed(text) ?? {};
  throw refusal(response, parsed(text));
}

function csrfCookie() {
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(globalThis.document?.cookie ?? "")?.[1] ?? "";
}

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error for a problem document (RFC 9457) or any other answer. */
function refusal({ status, headers }, problem) {
  const errors = Array.isArray(problem?.errors) ? problem.errors : [];
  const message = errors[0]?.message ?? problem?.detail ?? problem?.title ?? `The server answered ${status}.`;
  const retryAfter = seconds(headers.get("Retry-After"));
  return new AgentLearningError(String(message), { status, problem: problem ?? {}, errors, retryAfter });
}

/** Of a Retry-After, which may be a date. */
function seconds(text) {
  const value = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Math.min(Math.max(value || 0, 0), 86_400);
}
