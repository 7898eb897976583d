/* Which of a config's examples are most like a question: the sums of the product (docs/integrator.md). */

import { fold } from "./fold.js";

const WORD = /[\p{L}\p{N}]+/gu;
const MOST_WORDS = 300;

const MOST_KNOWN = 8;
const known = new Map(); // what was looked at last: every answer of the server brings the same examples anew

/** Examples with an `input` each, and those that a text is most like. */
export class Nearest {
  #examples;
  #texts;

  constructor(examples, template) {
    this.#examples = examples;
    this.#texts = lookedAt(examples.map(({ input }) => without(template, input)));
  }

  /** At most so many examples, the most alike last: it stands right before the question. */
  shown(text, most) {
    return this.#texts.places(text, most).reverse().map((place) => this.#examples[place]);
  }
}

/** What stands in the place of the template; the whole text where it is not made by it. */
function without(template, text) {
  const [before, ...rest] = template.split("{input}");
  const after = rest.join("{input}");
  const made = text.startsWith(before) && text.endsWith(after) && text.length >= before.length + after.length;
  return made ? text.slice(before.length, text.length - after.length) : text;
}

/** Texts, and which of them another is most like; the same object for the same texts while few others came. */
export function lookedAt(texts) {
  const key = JSON.stringify(texts);
  const found = known.get(key) ?? new Texts(texts);
  known.delete(key); // so that it stands last
  known.set(key, found);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  return found;
}

class Texts {
  #count;
  #rarity;
  #holding = new Map();

  constructor(texts) {
    this.#count = texts.length;
    const counts = texts.map(trigrams);
    const found = new Map();
    for (const each of counts) for (const one of each.keys()) found.set(one, (found.get(one) ?? 0) + 1);
    this.#rarity = new Map([...found].map(([one, number]) => [one, Math.log((1 + texts.length) / (1 + number)) + 1]));
    counts.forEach((each, place) => {
      const weights = this.#weigh(each);
      const length = Math.sqrt(weights.reduce((sum, [, weight]) => sum + weight * weight, 0)) || 1;
      for (const [one, weight] of weights) {
        if (!this.#holding.has(one)) this.#holding.set(one, []);
        this.#holding.get(one).push([place, weight / length]);
      }
    });
  }

  /** The most alike first; of equals the one that stands first. */
  places(text, most) {
    const alike = new Array(this.#count).fill(0);
    for (const [one, weight] of this.#weigh(trigrams(text))) {
      for (const [place, other] of this.#holding.get(one)) alike[place] += weight * other;
    }
    const length = alike.reduce((most, one) => Math.max(most, one), 0) || 1;
    const likeness = alike.map((one) => Math.round((one / length) * 1e9));
    const order = alike.map((_, place) => place).sort((one, other) => likeness[other] - likeness[one] || one - other);
    return order.slice(0, most);
  }

  #weigh(counts) {
    const known = [...counts].filter(([one]) => this.#rarity.has(one));
    return known.map(([one, count]) => [one, (1 + Math.log(count)) * this.#rarity.get(one)]);
  }
}

function trigrams(text) {
  const counts = new Map();
  let words = 0;
  for (const [word] of fold(text).matchAll(WORD)) {
    const signs = Array.from(` ${word} `);
    for (let start = 0; start < signs.length - 2; start++) {
      const one = signs.slice(start, start + 3).join("");
      counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    if (++words === MOST_WORDS) break;
  }
  return counts;
}
