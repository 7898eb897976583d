/* Which config a unit gets, without asking the server: the rules of docs/assignment.md, on a ruleset from it. */

import { AgentConfig } from "./config.js";
import { digest, head } from "./sha256.js";

const BUCKETS = 10_000;
const LONGEST = 200; // code points

/** The bucket of a unit, 0 to 9,999. */
export function bucket(salt, purpose, unit) {
  return Number(head(`${salt}:${purpose}:${unit}`) % BigInt(BUCKETS));
}

/** What a ruleset shows of a tester. */
export function testerDigest(salt, unit) {
  return [...digest(`${salt}:tester:${unit}`).subarray(0, 2)].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/**
 * What an agent gives: {config, unit, counts}; `unit` is what was assigned ("" outside of a running experiment) and `counts`
 * says whether it is to be exposed. Undefined when the server has to be asked. Throws RangeError for an impossible name.
 */
export function choose(rules, agent, { user = "", session = "", execution = "" } = {}) {
  const names = { user, session, execution };
  for (const name of Object.values(names)) {
    if (name.length > LONGEST && [...name].length > LONGEST) throw new RangeError(`an identifier has at most ${LONGEST} characters`);
  }
  const known = rules.agents.find((one) => one.agent_id === agent) ?? rules.agents.find((one) => one.id === agent);
  if (!known) return undefined;
  const { experiments, deployment } = known;
  for (const one of experiments) {
    const key = one.status === "running" && names[one.unit] && tester(one, names[one.unit]);
    if (key) return { config: armConfig(rules, one, key), unit: "", counts: false };
  }
  for (const one of experiments) {
    const found = byExperiment(rules, one, names[one.unit]);
    if (found !== null) return found;
  }
  const inShare = !experiments.length && deployment && user && bucket(deployment.salt, "traffic", user) < deployment.coverage;
  if (inShare) return { config: config(rules, deployment.config_id, { deployment_id: deployment.id }), unit: "", counts: false };
  const serving = known.serving_config_id;
  return serving ? { config: config(rules, serving), unit: "", counts: false } : undefined;
}

/** null: the unit is not in it. */
function byExperiment(rules, experiment, unit) {
  const holds = unit && inLayer(rules, experiment, unit);
  if (experiment.status === "paused") {
    if (experiment.layer && !holds) return null;
    const control = experiment.arms.find((arm) => arm.is_control);
    return { config: config(rules, control.config_id, { experiment_id: experiment.id }), unit: "", counts: false };
  }
  if (!holds || !takesPart(experiment, unit)) return null;
  if (!experiment.local) return undefined;
  let left = bucket(experiment.salt, "variant", unit);
  const arm = experiment.arms.find(({ buckets }) => (left -= buckets) < 0);
  return { config: armConfig(rules, experiment, arm.key), unit, counts: true };
}

function takesPart({ salt, coverage }, unit) {
  return coverage === BUCKETS || bucket(salt, "traffic", unit) < coverage;
}

function inLayer(rules, { layer, start, size }, unit) {
  if (!layer) return true;
  const place = bucket(rules.layers[layer].salt, "layer", unit);
  return start <= place && place < start + size;
}

function tester({ salt, testers }, unit) {
  return Object.keys(testers).length ? testers[testerDigest(salt, unit)] : undefined;
}

function armConfig(rules, experiment, key) {
  const arm = experiment.arms.find((one) => one.key === key);
  return config(rules, arm.config_id, { variant: key, experiment_id: experiment.id });
}

function config(rules, id, more = {}) {
  const { number, content = {} } = rules.configs[id];
  return new AgentConfig({ config_id: id, config_number: number, content, variant: "", ...more });
}
