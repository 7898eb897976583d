/* A small client of the HTTP API for browsers and Node 18+. ES module, no dependency.

   const learning = new AgentLearning({ endpoint: "https://learning.example/api/learning/", key: "pk_..." });
   await learning.sendFeedback({ agent: "support", execution: "exec-1", type: "thumbs_up" });               */

/** What went wrong. `status` is 0 when no answer came; `errors` names fields: [{field, message}]. */
export class AgentLearningError extends Error {
  constructor(message, { status = 0, errors = [], retryAfter = 0 } = {}) {
    super(message);
    this.name = "AgentLearningError";
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** A fresh idempotency key. crypto.randomUUID is missing on plain-http pages, getRandomValues is not. */
export function newKey() {
  if (globalThis.crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An agent config as served to one user; `content` is everything that decides how the agent answers. */
export class AgentConfig {
  constructor({ config_id, config_number, content, variant, experiment_id }) {
    Object.assign(this, { id: config_id, number: config_number, content, variant, experimentId: experiment_id });
  }

  get model() {
    return this.content.model;
  }

  get parameters() {
    return this.content.parameters ?? {};
  }

  /** The chat to send to the model for one input. */
  messages(input) {
    const { system_prompt, examples = [], input_template = "{input}" } = this.content;
    return [
      ...(system_prompt ? [{ role: "system", content: system_prompt }] : []),
      ...examples.flatMap((example) => [
        { role: "user", content: example.input },
        { role: "assistant", content: example.output },
      ]),
      { role: "user", content: input_template.replaceAll("{input}", () => input) },
    ];
  }
}

export class AgentLearning {
  /** `timeout` in milliseconds for each try; `retries` after the first try, with the same idempotency key. */
  constructor({ endpoint = "/api/learning/", key = "", timeout = 15_000, retries = 2 } = {}) {
    this.endpoint = endpoint.endsWith("/") ? endpoint : `${endpoint}/`;
    Object.assign(this, { key, timeout, retries });
  }

  /** Records one run of an agent; answers {execution_id, id}. `config` is what configFor gave. */
  logExecution({ agent, execution = newKey(), user, input, output, config, durationMs, ...more }) {
    return this.post("executions", {
      ...more,
      agent_id: agent,
      execution_id: execution,
      user_id: user,
      input,
      output,
      config_id: config?.id,
      variant: config?.variant || undefined,
      duration_ms: durationMs,
    });
  }

  /** Records what a user thinks of an execution; answers {feedback_id, success}. */
  sendFeedback({ agent, execution, user, type, rating, text, correction, categories, idempotencyKey }) {
    const body = {
      agent_id: agent,
      execution_id: execution,
      user_id: user,
      feedback_type: type,
      rating,
      feedback_text: text,
      correction_text: correction,
      issue_categories: categories,
    };
    return this.post("feedback", body, idempotencyKey);
  }

  /** The config that this user's next answer must come from. */
  async configFor(agent, user) {
    const query = new URLSearchParams({ user_id: user });
    return new AgentConfig(await this.request("GET", `agents/${encodeURIComponent(agent)}/config?${query}`));
  }

  post(path, body, key = newKey()) {
    return this.request("POST", path, { body: JSON.stringify(body), headers: { "Idempotency-Key": key } });
  }

  async request(method, path, options = {}) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.once(method, path, options);
      } catch (error) {
        if (!error.temporary || tries >= this.retries) throw error;
        await new Promise((wake) => setTimeout(wake, Math.max(error.retryAfter * 1000, 300 * 2 ** tries)));
      }
    }
  }

  async once(method, path, { body, headers }) {
    const sent = { Accept: "application/json", ...headers };
    if (body) sent["Content-Type"] = "application/json";
    if (this.key) sent.Authorization = `Bearer ${this.key}`;
    let response;
    let answer;
    try {
      const signal = AbortSignal.timeout(this.timeout);
      response = await fetch(this.endpoint + path, { method, body, headers: sent, signal, credentials: "omit" });
      answer = await response.text();
    } catch {
      throw new AgentLearningError("The server could not be reached.");
    }
    if (response.ok) return parsed(answer) ?? {};
    throw refusal(response, parsed(answer));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(response, problem) {
  const errors = Array.isArray(problem?.errors) ? problem.errors : [];
  const first = errors[0]?.message;
  const message = first ?? problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`;
  const retryAfter = Math.min(Number(response.headers.get("Retry-After")) || 0, 30);
  return new AgentLearningError(String(message), { status: response.status, errors, retryAfter });
}
