/* A client of the HTTP API for browsers and Node 18+. ES module, no dependency, no build step.

   import { AgentLearning } from "https://learning.example.com/static/learning/client.js";
   const learning = new AgentLearning({ endpoint: "https://learning.example.com/api/learning/", key: "pk_..." });
   await learning.sendFeedback({ agent: "support", execution: "exec-1", type: "thumbs_up" });

   Answers keep the API's own names. Each method takes {signal} last, an AbortSignal. */

import { choose } from "./assignment.js";
import { Batcher } from "./batch.js";
import { AgentConfig } from "./config.js";
import { executionBody, feedbackBody } from "./items.js";
import { LearningAgent } from "./learned.js";
import { AgentLearningError, newKey } from "./request.js";
import { Transport } from "./transport.js";

export {
  ConflictError, ForbiddenError, InvalidError, NotFoundError, ServerError, TooManyError, UnauthenticatedError, UnreachableError,
} from "./transport.js";
export { AgentConfig, AgentLearningError, Batcher, LearningAgent, newKey };
export { Behavior } from "./behavior.js";

const part = (name) => encodeURIComponent(name);

export class AgentLearning {
  #http;
  #answers = new Map();

  /** `key` is pk_ (pages) or sk_ (servers), `token` a feedback token; `timeout` in milliseconds for each try. */
  constructor({ endpoint, key = "", token = "", timeout, retries, csrf } = {}) {
    this.#http = new Transport({ endpoint, credential: token || key, timeout, retries, csrf });
  }

  /** Any GET of the API, such as get("agents"). */
  get(path, query, { signal } = {}) {
    return this.#http.request("GET", path, { query, signal });
  }

  /** Any POST of the API. With a `key` the request may be repeated: for addresses that take an Idempotency-Key. */
  post(path, body = {}, { key, ...options } = {}) {
    return this.#http.request("POST", path, { body, key, ...options });
  }

  /** The rows of a list, page after page. */
  async *each(path, query = {}, options = {}) {
    for (let asked = query; asked; ) {
      const { results, next } = await this.get(path, asked, options);
      yield* results;
      asked = next && Object.fromEntries(new URL(next, "http://any").searchParams);
    }
  }

  /* What an application sends */

  /** Records one run of an agent; answers {execution_id, id}. `config` is what configFor gave. */
  logExecution({ execution = newKey(), ...run }, { signal } = {}) {
    return this.post("executions", executionBody({ execution, ...run }), { signal, repeatable: true });
  }

  /** Records what a user thinks of an execution; answers {feedback_id, success}. */
  sendFeedback({ idempotencyKey = newKey(), ...feedback }, { signal, keepalive } = {}) {
    return this.post("feedback", feedbackBody(feedback), { key: idempotencyKey, signal, keepalive });
  }

  /** Up to 1,000 runs; answers {results: [{index, status, id, errors}]}, one for each. */
  logExecutions(runs, { signal } = {}) {
    const items = runs.map(({ execution = newKey(), ...run }) => executionBody({ execution, ...run }));
    return this.post("executions/batch", { items }, { signal, repeatable: true });
  }

  sendFeedbackBatch(list, { signal } = {}) {
    const items = list.map(({ idempotencyKey = newKey(), ...one }) => ({ ...feedbackBody(one), id: idempotencyKey }));
    return this.post("feedback/batch", { items }, { signal, repeatable: true });
  }

  /** Sends runs in the background: `batch.add(run)`, and `await batch.close()` before the process ends. */
  executionBatch(options) {
    const batch = new Batcher((runs) => this.logExecutions(runs), options);
    return prepared(batch, (run) => ({ execution: newKey(), ...run }));
  }

  feedbackBatch(options) {
    const batch = new Batcher((list) => this.sendFeedbackBatch(list), options);
    return prepared(batch, (one) => ({ idempotencyKey: newKey(), ...one }));
  }

  /* Which config to use */

  /** The config that this user's next answer must come from. Experiments may assign the `session` or `execution`. */
  async configFor(agent, user, { session, execution, expose, ...options } = {}) {
    const query = { user_id: user, session_id: session, execution_id: execution, expose };
    return new AgentConfig(await this.get(`agents/${part(agent)}/config`, query, options));
  }

  /**
   * What is needed to assign units without a request for each. Asked again, it travels only when it changed. A pk_ key
   * names the `agent` and gets no contents of configs.
   */
  ruleset({ agent = "", signal } = {}) {
    return this.#newest("ruleset", { agent_id: agent }, signal);
  }

  /**
   * The config of a user by a ruleset, at once and without a request; undefined when configFor must be asked. With an
   * `exposureBatch` the unit is reported as exposed to its variant.
   */
  assign(rules, agent, { exposures, ...names }) {
    const chosen = choose(rules, agent, names);
    if (chosen?.counts && exposures) {
      const { experimentId, variant } = chosen.config;
      exposures.add({ experiment: experimentId, unit: chosen.unit, variant });
    }
    return chosen?.config;
  }

  /** Sends exposures in the background, each unit of an experiment once. */
  exposureBatch(options) {
    const batch = new Batcher((items) => this.post("exposures/batch", { items }, { repeatable: true }), options);
    const added = new Set();
    const add = batch.add.bind(batch);
    batch.add = ({ experiment, unit, variant, at = new Date() }) => {
      const name = `${experiment} ${unit}`;
      if (added.has(name)) return Promise.resolve({});
      added.add(name);
      return add({ experiment_id: experiment, unit_id: unit, variant, exposed_at: at.toISOString() });
    };
    return batch;
  }

  /* What was learned */

  /** An agent with what was learned about it: `learning.agent("support-bot").runWithLearning(...)`. */
  agent(name, options) {
    return new LearningAgent(this, name, options);
  }

  /** The improvements of an agent that may be applied now. Asked again, they travel only when they changed. */
  async improvements(agent, { signal } = {}) {
    return (await this.#newest(`agents/${part(agent)}/improvements`, { live: true }, signal)).improvements;
  }

  /** An answer that is kept with its ETag. */
  async #newest(path, query, signal) {
    let etag = null;
    const name = JSON.stringify([path, query]);
    const last = this.#answers.get(name);
    const headers = last?.etag ? { "If-None-Match": last.etag } : {};
    const onAnswer = (response) => (etag = response.headers.get("ETag"));
    const found = await this.#http.request("GET", path, { query, headers, signal, onAnswer });
    if (found) this.#answers.set(name, { etag, found });
    return this.#answers.get(name).found;
  }

  /* What came of it */

  feedbackStats(agent, { days, ...options } = {}) {
    return this.get("feedback/stats", { agent_id: agent, days }, options);
  }

  commonIssues(agent, { days, ...options } = {}) {
    return this.get(`feedback/issues/${part(agent)}`, { days }, options);
  }

  feedbackAnalytics(query, options) {
    return this.get("feedback/analytics", query, options);
  }

  stats(options) {
    return this.get("stats", {}, options);
  }

  /* Review */

  /** What waits: {queue, total, more, next}. `filters`: status, domain, agent, limit, after. */
  annotationQueue(filters, options) {
    return this.get("annotations/queue", filters, options);
  }

  /** Claims the next item for ten minutes; {} when nothing waits. A key names the `expert`. */
  nextAnnotation(claim, options) {
    return this.post("annotations/queue/next", claim, options);
  }

  submitAnnotation(annotation, options) {
    return this.post("annotations", annotation, options);
  }

  submitDemonstration({ agent, input, output, ...more }, options) {
    return this.post("demonstrations", { ...more, agent_id: agent, input_text: input, expected_output: output }, options);
  }

  /* Training */

  trainingDatasets(query, options) {
    return this.get("datasets", query, options);
  }

  trainingRuns(query, options) {
    return this.get("training-runs", query, options);
  }

  trainingRun(id, options) {
    return this.get(`training-runs/${part(id)}`, {}, options);
  }

  createTrainingRun({ agent, ...more }, options) {
    return this.post("training-runs", { ...more, agent_id: agent }, options);
  }

  cancelTrainingRun(id, options) {
    return this.post(`training-runs/${part(id)}/cancel`, {}, options);
  }

  /** Starts a prompt optimization; answers {run_id, status, url}. */
  optimizePrompt({ agent, goals, ...more }, options) {
    return this.post("optimize-prompt", { ...more, agent_id: agent, optimization_goals: goals }, options);
  }

  /* Experiments */

  experiments(query, options) {
    return this.get("experiments", query, options);
  }

  createExperiment({ agent, ...more }, options) {
    return this.post("experiments", { ...more, agent_id: agent }, options);
  }

  startExperiment(id, options) {
    return this.post(`experiments/${part(id)}/start`, {}, options);
  }

  experimentResults(id, options) {
    return this.get(`experiments/${part(id)}/results`, {}, options);
  }
}

/** A batch whose items get their ids as they are added, so that sending one again stores it once. */
function prepared(batch, prepare) {
  const add = batch.add.bind(batch);
  batch.add = (item) => add(prepare(item));
  return batch;
}
