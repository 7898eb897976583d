/* What a policy update taught an agent, used at run time: like demonstrations, likely next actions, forbidden ones.

   Everything is computed here, from the config that was fetched; the sums are those of the product (docs/behavior.md).
   A situation is what the agent knows now: {request, observation, source, past}. `observation`: what came last, left out
   for the request itself; `source`: "user" or "tool"; `past`: [action, failed] of each action until now. */

import { fold } from "./fold.js";

const WORD = /[\p{L}\p{Nl}\p{No}]{2,}/gu;
const MOST_WORDS = 150;
const TEXT = 2;
const RESPOND = "respond";
const MOST_NOTED = 50;

export class Behavior {
  #store;

  /** `content`: what a config holds under "behavior"; {} when nothing was learned. */
  constructor(content = {}, store = undefined) {
    this.content = content;
    this.applied = {};
    this.#store = store;
  }

  /** The same, with its own record of what was `applied`: {demonstrations: [ids], forbidden: [actions]}. */
  forOneRun() {
    return new Behavior(this.content, this.#stored());
  }

  /** The likely next actions with their probabilities, the likeliest first, without what the rules forbid: a Map. */
  suggest(situation) {
    const policy = this.content.action_policy;
    if (!policy?.actions?.length) return new Map();
    const scores = scored(policy, featuresOf(situation));
    const allowed = scores.filter(([name]) => !this.#broken(name, situation));
    const left = allowed.length ? allowed : scores;
    const top = Math.max(...left.map(([, score]) => score));
    const raised = left.map(([name, score]) => [name, Math.exp(score - top)]);
    const total = raised.reduce((sum, [, value]) => sum + value, 0);
    return new Map(raised.map(([name, value]) => [name, value / total]).sort((one, other) => other[1] - one[1]));
  }

  /** The rule that the action would break now; "" when there is none. An answer is never forbidden. */
  forbids(action, situation) {
    const rule = this.#broken(action, situation);
    if (rule) this.#note("forbidden", [action]);
    return rule;
  }

  /** The demonstrated steps whose situation is most alike, the best first; `most`: as the config says. */
  demonstrations(situation, most = this.content.shown ?? 3) {
    return this.#stored()?.nearest(situation, most) ?? [];
  }

  /** A chat with the most alike demonstrations before its last turn but after what the system says. */
  messages(messages, situation) {
    const found = this.demonstrations(situation);
    this.#note("demonstrations", found.map((row) => row.from).filter(Boolean));
    const first = messages.findIndex(({ role }) => role !== "system");
    const start = first < 0 ? messages.length : first;
    const shown = [...found].reverse().flatMap(asTurns);
    return [...messages.slice(0, start), ...shown, ...messages.slice(start)].map((turn) => ({ ...turn }));
  }

  #stored() {
    const rows = this.content.demonstrations ?? [];
    return rows.length ? (this.#store ??= new Store(rows)) : undefined;
  }

  #broken(action, { source = "user", past = [] }) {
    if (action === RESPOND) return "";
    const done = new Set(past.filter(([, failed]) => !failed).map(([name]) => name));
    for (const { check, text } of this.content.rules ?? []) {
      if (check?.action !== action) continue;
      const broken =
        (check.kind === "after" && !done.has(check.of ?? "")) ||
        (check.kind === "not_after" && done.has(check.of ?? "") && !done.has(action)) ||
        (check.kind === "asked" && source !== "user");
      if (broken) return String(text || "A learned rule forbids this action now.");
    }
    return "";
  }

  #note(kind, names) {
    if (!names.length) return;
    this.applied[kind] = [...new Set([...(this.applied[kind] ?? []), ...names])].slice(0, MOST_NOTED);
  }
}

/** Feature names with their values: a Map. */
export function featuresOf({ request, observation, source = "user", past = [] }) {
  const names = past.slice(-3).map(([name]) => name);
  const found = new Map([["bias", 1], [`from=${source}`, 1], [`steps=${size(past.length)}`, 1]]);
  for (let length = 1; length < 4; length++) {
    const last = names.length >= length ? names.slice(-length) : ["start", ...names];
    found.set(`last${length}=${last.join(">")}`, 1);
  }
  for (const [name] of past) found.set(`done=${name}`, 1);
  const [name, failed] = past.at(-1) ?? [];
  if (failed) found.set("failed", 1).set(`failed=${name}`, 1);
  addWords(found, "o", observation ?? request);
  return addWords(found, "r", request);
}

/** Cosine of features weighted by inverse document frequency. */
class Store {
  constructor(rows) {
    this.rows = rows;
    const vectors = rows.map((row) => featuresOf(situationOf(row)));
    const counts = new Map();
    for (const vector of vectors) for (const name of vector.keys()) counts.set(name, (counts.get(name) ?? 0) + 1);
    this.idf = new Map([...counts].map(([name, count]) => [name, Math.log((1 + rows.length) / (1 + count)) + 1]));
    this.vectors = vectors.map((vector) => this.weighted(vector));
  }

  nearest(situation, most) {
    const wanted = this.weighted(featuresOf(situation));
    const alike = this.vectors.map((vector) => {
      let sum = 0;
      for (const [name, value] of wanted) sum += value * (vector.get(name) ?? 0);
      return sum;
    });
    const order = this.rows.map((_, place) => place).sort((one, other) => alike[other] - alike[one]);
    return order.slice(0, most).map((place) => this.rows[place]);
  }

  weighted(vector) {
    const known = [...vector].filter(([name]) => this.idf.has(name)).map(([name, value]) => [name, value * this.idf.get(name)]);
    const length = Math.sqrt(known.reduce((sum, [, value]) => sum + value * value, 0)) || 1;
    return new Map(known.map(([name, value]) => [name, value / length]));
  }
}

function situationOf({ request = "", observation = "", source = "user", past = [] }) {
  return { request, observation, source, past };
}

/** A demonstrated step as an exchange of the chat; a call of a tool in words, so that every model takes it. */
function asTurns({ request, observation, action, arguments: given = {} }) {
  const answers = action === RESPOND && "text" in given;
  return [
    { role: "user", content: observation || request || "" },
    { role: "assistant", content: answers ? String(given.text) : `${action}(${spaced(given)})` },
  ];
}

/** JSON with a space after each comma and colon, as the product shows it. */
function spaced(value) {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${spaced(one)}`).join(", ")}}`;
}

function scored({ actions, features, weights }, found) {
  const known = features.map((name, place) => [place, found.get(name)]).filter(([, value]) => value !== undefined);
  return actions.map((name, row) => [name, known.reduce((sum, [place, value]) => sum + weights[row][place] * value, 0)]);
}

function addWords(found, prefix, text) {
  const words = [];
  for (const [word] of fold(text).matchAll(WORD)) if (words.push(word) === MOST_WORDS) break;
  const terms = new Set([...words, ...words.slice(1).map((word, place) => `${words[place]} ${word}`)]);
  for (const term of terms) found.set(`${prefix}:${term}`, TEXT / Math.sqrt(terms.size));
  return found;
}

/** 0, 1, 2, 3-4, 5-8, ...: by powers of two. */
function size(number) {
  return number === 0 ? 0 : 33 - Math.clz32(number - 1);
}
