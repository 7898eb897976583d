/* Running an agent with what was learned about it: the improvements that people approved, applied and logged. */

import { AgentLearningError, newKey } from "./request.js";
import { head } from "./sha256.js";

const HOLDOUT = 0.1; // of the users go without each improvement, so that its effect can be told
const TTL = 300_000; // milliseconds for which improvements are not asked for again
const PAUSE = 10_000; // milliseconds until a server in trouble is asked again

export class LearningAgent {
  #client;
  #batch;
  #known = [];
  #until = 0;
  #asking = null;

  constructor(client, name, { ttl = TTL, holdout = HOLDOUT, ...batch } = {}) {
    if (!(holdout >= 0 && holdout < 1)) throw new RangeError("holdout must be at least 0 and below 1");
    Object.assign(this, { name, ttl, holdout });
    this.#client = client;
    this.#batch = client.executionBatch(batch);
  }

  /** Those that may be applied now; the last known ones while the server is away. Needs a key that may read. */
  async improvements() {
    if (Date.now() < this.#until) return this.#known;
    const first = this.#until === 0;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    if (first) await this.#asking;
    else this.#asking.catch(() => {});
    return this.#known;
  }

  /**
   * Asks the config that serves this user, adds the improvements, calls `answer` and logs the run in the background.
   *
   * `answer` gets the config (`config.messages(input)` is the chat to send) and gives the text. The run's metadata name
   * what was applied ("improvements", "behavior"). What `answer` throws is logged and passes through. `default`: a
   * config for when the server cannot be reached.
   */
  async runWithLearning(answer, input, { default: fallback, signal, session, ...fields } = {}) {
    const execution = fields.execution ?? newKey();
    const served = await this.#served({ user: fields.user, session, execution, signal }, fallback);
    const improvements = await this.improvements();
    const applied = improvements.filter(({ id }) => isFor(id, fields.user ?? "", this.holdout));
    const config = improved(served, applied);
    const run = { ...fields, agent: this.name, execution, input, config: served, startedAt: fields.startedAt ?? new Date() };
    const metadata = { ...fields.metadata, improvements: applied.map(({ id }) => id) };
    const began = performance.now();
    try {
      run.output = await answer(config);
      return run.output;
    } catch (error) {
      run.status = "failed";
      metadata.error = { type: error?.name ?? "Error", message: String(error?.message ?? error).slice(0, 2000) };
      throw error;
    } finally {
      if (Object.keys(config.behavior.applied).length) metadata.behavior = config.behavior.applied;
      run.durationMs ??= performance.now() - began;
      this.#batch.add({ ...run, metadata }).catch((error) => console.warn(`A run of ${this.name} was not stored: ${error.message}`));
    }
  }

  flush() {
    return this.#batch.flush();
  }

  close() {
    return this.#batch.close();
  }

  /** Learning never stands in the way of answering. */
  async #ask() {
    try {
      this.#known = await this.#client.improvements(this.name);
      this.#until = Date.now() + this.ttl;
    } catch (error) {
      if (!(error instanceof AgentLearningError)) throw error;
      console.warn(`The improvements of ${this.name} could not be read: ${error.message}`);
      this.#until = Date.now() + PAUSE;
    }
  }

  async #served({ user, ...more }, fallback) {
    try {
      return await this.#client.configFor(this.name, user, { ...more, expose: true });
    } catch (error) {
      if (!fallback || !(error instanceof AgentLearningError) || !error.temporary) throw error;
      return fallback;
    }
  }
}

/** Whether a user gets an improvement: the same for the same user, drawn by improvement; everybody without a user. */
export function isFor(id, user, holdout) {
  return !user || Number(head(`${id}:${user}`)) / 2 ** 64 >= holdout;
}

/** The config with the instructions added to its system prompt; those that it has already are left out. */
export function improved(config, improvements) {
  const before = config.content?.system_prompt ?? "";
  const added = improvements.map(({ instruction }) => instruction).filter((one) => !before.includes(one));
  if (!added.length) return config.forOneRun();
  return config.forOneRun({ ...config.content, system_prompt: [before, ...added].filter(Boolean).join("\n\n") });
}
