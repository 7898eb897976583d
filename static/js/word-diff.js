/* Which words of a text were changed. No DOM here, so it runs anywhere. */

const MOST_CELLS = 1_000_000; // beyond this the middle is shown as replaced: typing must stay smooth

const words = (text) => text.match(/\s+|[\p{L}\p{N}_'’-]+|[^\s]/gu) ?? [];

/**
 * The way from one text to the other as [op, text] pairs, op being "equal", "delete" or "insert".
 * Joining all but the inserts gives `before`; joining all but the deletes gives `after`.
 */
export function wordDiff(before, after) {
  const a = words(before);
  const b = words(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const all = [["equal", a.slice(0, head)], ...middle, ["equal", a.slice(a.length - tail)]];
  return merged(all.map(([op, list]) => [op, list.join("")]));
}

function between(a, b) {
  if (!a.length || !b.length || a.length * b.length > MOST_CELLS) return [["delete", a], ["insert", b]];
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width); // longest common run of words from (i, j) on
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  const steps = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      steps.push(["equal", [a[i++]]]);
      j++;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) steps.push(["delete", [a[i++]]]);
    else steps.push(["insert", [b[j++]]]);
  }
  return [...steps, ["delete", a.slice(i)], ["insert", b.slice(j)]];
}

/** Joins neighbours of one kind, and gives a lone space between two changes to both of them. */
function merged(steps) {
  const kept = steps.filter(([, text]) => text);
  const out = [];
  let removed = "";
  let added = "";
  const flush = () => {
    if (removed) out.push(["delete", removed]);
    if (added) out.push(["insert", added]);
    removed = added = "";
  };
  kept.forEach(([op, text], place) => {
    if (op === "delete") removed += text;
    else if (op === "insert") added += text;
    else if (removed && added && !text.trim() && kept[place + 1] && kept[place + 1][0] !== "equal") {
      removed += text;
      added += text;
    } else {
      flush();
      if (out.at(-1)?.[0] === "equal") out.at(-1)[1] += text;
      else out.push(["equal", text]);
    }
  });
  flush();
  return out;
}
