/* What <agent-feedback> is built of. Text is set as text, so data never turns into markup. */

import { issueName } from "./agent-feedback-texts.js";
import { wordDiff } from "./word-diff.js";

export const ISSUES = ["incorrect", "incomplete", "unclear", "irrelevant", "hallucination", "outdated", "tone", "formatting", "unsafe", "other"];
export const DIMENSIONS = ["accuracy", "helpfulness", "clarity", "completeness"];
const SHAPES = {
  up: "M7 10v10H4V10h3Zm0 0 4-7c1.5 0 2.5 1 2.2 2.6L12.5 9H18a2 2 0 0 1 2 2.4l-1.3 7A2 2 0 0 1 16.7 20H7",
  down: "M17 14V4h3v10h-3Zm0 0-4 7c-1.5 0-2.5-1-2.2-2.6l.7-3.4H6a2 2 0 0 1-2-2.4l1.3-7A2 2 0 0 1 7.3 4H17",
  star: "m12 3 2.7 5.8 6.3.8-4.6 4.4 1.2 6.3L12 17.2l-5.6 3.1 1.2-6.3L3 9.6l6.3-.8L12 3Z",
};

export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter(Boolean));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** One of five. A press on what is chosen takes the choice back. */
function fiveOf(name, face) {
  const inputs = [1, 2, 3, 4, 5].map((value) => el("input", { type: "radio", name, value }));
  const value = () => Number(inputs.find((input) => input.checked)?.value ?? 0);
  let before = 0;
  const paint = () => inputs.forEach((input, i) => input.parentElement.classList.toggle("on", i < value()));
  const choose = (input, again) => {
    if (again) input.checked = false;
    before = value();
    paint();
  };
  const pressed = ({ target }) => target.type === "radio" && choose(target, Number(target.value) === before); // not its label
  const keyed = (event) => event.key === " " && event.target.checked && (event.preventDefault(), choose(event.target, true));
  const row = el("div", { className: "row", onclick: pressed, onkeydown: keyed }, ...inputs.map((input, i) => el("label", {}, input, ...face(i + 1))));
  return { row, value, reset: () => ((before = 0), paint()) };
}

/** Stars, dimensions, issues and a comment: {fields, read(), reset()}; `parts` is the set of those to show. */
export function detailsFields(t, parts, categories) {
  const stars = fiveOf("rating", (count) => [el("span", {}, icon("star")), el("span", { className: "hide" }, t.star(count))]);
  const dimensions = DIMENSIONS.map((name) => [name, fiveOf(name, (count) => [el("span", {}, String(count))])]);
  const boxes = categories.map((name) => el("input", { type: "checkbox", value: name }));
  const comment = el("textarea", { maxLength: 10_000, dir: "auto", part: "textarea" });
  const chip = (input) => el("label", {}, input, el("span", { dir: "auto" }, issueName(t, input.value)));
  const group = (name, legend, row) => el("fieldset", { className: name, part: name }, el("legend", {}, legend), row);
  const fields = [
    parts.has("stars") && group("stars", t.rating, stars.row),
    parts.has("dimensions") &&
      el("details", { part: "dimensions" }, el("summary", {}, t.dimensions), el("p", { className: "muted" }, t.scale),
        el("div", { className: "grid" }, ...dimensions.map(([name, five]) => group("scale", t[name], five.row)))),
    parts.has("issues") && boxes.length && group("chips", t.issues, el("div", { className: "row" }, ...boxes.map(chip))),
    parts.has("comment") && el("label", {}, el("span", { className: "label" }, t.comment), comment),
  ];
  const read = () => {
    const found = { rating: stars.value(), text: comment.value.trim() };
    for (const [name, five] of dimensions) found[name] = five.value();
    const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value));
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    return chosen.length ? { ...given, categories: chosen } : given;
  };
  return { fields, read, reset: () => [stars, ...dimensions.map(([, five]) => five)].forEach((five) => five.reset()) };
}

export function typeOf({ categories, rating, ...rest }) {
  if (categories) return "report_issue";
  return Object.keys(rest).length ? "detailed_feedback" : rating ? "star_rating" : "";
}

/** An editor that starts from the output and shows what changes: {fields, text, begin(output)}. */
export function correctionFields(t) {
  let output = "";
  let frame, pause;
  const text = el("textarea", { maxLength: 100_000, dir: "auto", part: "textarea", oninput: () => typed() });
  const diff = el("div", { className: "diff", part: "diff", role: "group", "aria-label": t.changes, dir: "auto" });
  const count = el("div", { className: "status", role: "status" });
  const typed = () => {
    cancelAnimationFrame(frame);
    clearTimeout(pause);
    frame = requestAnimationFrame(() => {
      const steps = wordDiff(output, text.value);
      const tags = { delete: "del", insert: "ins" };
      diff.replaceChildren(...steps.map(([op, words]) => (tags[op] ? el(tags[op], {}, words) : words)));
      const size = (op) => steps.filter((step) => step[0] === op).reduce((sum, step) => sum + (step[1].match(/\S+/g)?.length ?? 0), 0);
      // A screen reader hears the totals when typing pauses, not each letter.
      pause = setTimeout(() => (count.textContent = t.count(size("delete"), size("insert"))), 700);
    });
  };
  const begin = (given) => {
    if (text.value === output) text.value = given; // what somebody is typing stays
    output = given;
    if (diff.firstChild) typed();
  };
  return { fields: [el("label", {}, el("span", { className: "label" }, t.better), text), diff, count], text, begin };
}
