/* <agent-feedback> asks what a user thinks of an agent's answer; <agent-output> shows the answer with it.

   <script type="module" src=".../static/js/agent-feedback.js"></script>
   <agent-output agent="support" execution="exec-1" user="u-17" key="pk_...">The answer.</agent-output>
   <agent-feedback agent="support" execution="exec-1" user="u-17" key="pk_..." output="The answer."></agent-feedback>

   Attributes: endpoint (/api/learning/ unless told), key (publishable), agent, execution, user, output.
   Events, bubbling: feedback-sent {type, feedbackId, ...what was sent}, feedback-error {error, type}.
   Texts: change AgentFeedback.texts before the first element appears. Colours: see agent-feedback-style.js. */

import { AgentLearning, newKey } from "./client.js";
import { sheet } from "./agent-feedback-style.js";
import { wordDiff } from "./word-diff.js";

const ISSUES = ["incorrect", "incomplete", "unclear", "irrelevant", "hallucination", "outdated", "tone", "formatting", "unsafe", "other"];
const SHAPES = {
  up: "M7 10v10H4V10h3Zm0 0 4-7c1.5 0 2.5 1 2.2 2.6L12.5 9H18a2 2 0 0 1 2 2.4l-1.3 7A2 2 0 0 1 16.7 20H7",
  down: "M17 14V4h3v10h-3Zm0 0-4 7c-1.5 0-2.5-1-2.2-2.6l.7-3.4H6a2 2 0 0 1-2-2.4l1.3-7A2 2 0 0 1 7.3 4H17",
  star: "m12 3 2.7 5.8 6.3.8-4.6 4.4 1.2 6.3L12 17.2l-5.6 3.1 1.2-6.3L3 9.6l6.3-.8L12 3Z",
};
const FORWARDED = ["endpoint", "key", "agent", "execution", "user"];

/** Builds an element; strings become text nodes, so data never turns into markup. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

export class AgentFeedback extends HTMLElement {
  static observedAttributes = ["execution", "output"];

  static texts = {
    group: "Feedback on this answer",
    up: "Good answer",
    down: "Bad answer",
    correct: "Correct it",
    more: "Say more",
    rating: "How good was the answer?",
    star: (count) => `${count} ${count === 1 ? "star" : "stars"}`,
    issues: "Anything wrong with it?",
    issue: (name) => name[0].toUpperCase() + name.slice(1),
    comment: "Comment",
    better: "A better answer",
    changes: "Your changes",
    count: (removed, added) => `${removed} removed, ${added} added`,
    send: "Send",
    sendCorrection: "Send correction",
    close: "Close",
    sending: "Sending…",
    thanks: "Thank you.",
    thanksCorrection: "Thank you. Your correction was sent.",
    nothing: "Choose stars or an issue, or write a comment first.",
    unchanged: "Change the answer first.",
    retry: "Try again",
  };

  #root = this.attachShadow({ mode: "open" });
  #parts = null;
  #failed = null;
  #busy = false;

  connectedCallback() {
    if (!this.dataset.testid) this.dataset.testid = "feedback-widget";
    if (!this.#parts) this.#build();
  }

  attributeChangedCallback(name, before, after) {
    if (this.#parts && before !== after) this.#build();
  }

  #build() {
    const t = AgentFeedback.texts;
    const p = (this.#parts = {});
    this.#failed = null;
    this.#root.adoptedStyleSheets = [sheet];
    p.up = this.#thumb("up", "thumbs_up", t.up);
    p.down = this.#thumb("down", "thumbs_down", t.down);
    p.editorToggle = this.#toggle(t.correct, () => p.editor);
    p.detailsToggle = this.#toggle(t.more, () => p.details);
    p.status = el("span", { className: "status", role: "status" });
    p.words = el("span");
    p.again = el("button", { type: "button", onclick: () => this.#attempt(this.#failed) }, t.retry);
    p.problem = el("div", { className: "problem", role: "alert", hidden: true }, p.words, p.again);
    p.details = this.#detailsForm(t, p);
    p.editor = this.#editorForm(t, p);
    const bar = el("div", { className: "bar", role: "group", "aria-label": t.group }, p.up, p.down, p.editorToggle, p.detailsToggle, p.status);
    this.#root.replaceChildren(bar, p.details, p.editor, p.problem);
  }

  #thumb(shape, type, label) {
    const press = () => button.getAttribute("aria-pressed") !== "true" && this.#send({ type });
    const button = el("button", { type: "button", "aria-pressed": "false", title: label, onclick: press }, icon(shape));
    button.append(el("span", { className: "hide" }, label));
    return button;
  }

  #toggle(label, panel) {
    return el("button", { type: "button", "aria-expanded": "false", onclick: () => this.#show(panel(), panel().hidden, true) }, label);
  }

  /** A panel that closes with Escape, sends with Ctrl+Enter and keeps its keys from the host page's shortcuts. */
  #panel(toggle, submit, ...children) {
    const send = () => !this.#busy && submit();
    const form = el("form", { className: "panel", hidden: true, onsubmit: (event) => (event.preventDefault(), send()) }, ...children);
    form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
      if (event.key === "Escape") this.#show(form, false, true);
    });
    form.toggle = toggle;
    return form;
  }

  #show(panel, open, moveFocus = false) {
    const { details, editor } = this.#parts;
    for (const one of [details, editor]) {
      one.hidden = one !== panel || !open;
      one.toggle.setAttribute("aria-expanded", String(!one.hidden));
    }
    if (moveFocus) (open ? panel.querySelector("textarea, input") : panel.toggle).focus();
  }

  #detailsForm(t, p) {
    p.stars = [1, 2, 3, 4, 5].map((count) => el("input", { type: "radio", name: "rating", value: count }));
    p.issues = ISSUES.map((name) => el("input", { type: "checkbox", value: name }));
    p.comment = el("textarea", { maxLength: 10_000 });
    const fill = () => p.stars.forEach((star, i) => star.parentElement.classList.toggle("on", i < this.#rating()));
    const star = (input, i) => el("label", {}, input, el("span", {}, icon("star")), el("span", { className: "hide" }, t.star(i + 1)));
    const chip = (input) => el("label", {}, input, el("span", {}, t.issue(input.value)));
    return this.#panel(
      p.detailsToggle,
      () => this.#sendDetails(),
      el("fieldset", { className: "stars", onchange: fill }, el("legend", {}, t.rating), el("div", { className: "row" }, ...p.stars.map(star))),
      el("fieldset", { className: "chips" }, el("legend", {}, t.issues), el("div", { className: "row" }, ...p.issues.map(chip))),
      el("label", {}, el("span", { className: "label" }, t.comment), p.comment),
      el("div", { className: "row" }, el("button", { className: "main" }, t.send), this.#closer(t, p, "details")),
    );
  }

  #editorForm(t, p) {
    p.better = el("textarea", { value: this.output, maxLength: 100_000, oninput: () => this.#typed() });
    p.diff = el("div", { className: "diff", role: "group", "aria-label": t.changes });
    p.count = el("div", { className: "status", role: "status" });
    return this.#panel(
      p.editorToggle,
      () => this.#sendCorrection(),
      el("label", {}, el("span", { className: "label" }, t.better), p.better),
      p.diff,
      p.count,
      el("div", { className: "row" }, el("button", { className: "main" }, t.sendCorrection), this.#closer(t, p, "editor")),
    );
  }

  #closer(t, p, name) {
    return el("button", { type: "button", className: "link", onclick: () => this.#show(p[name], false, true) }, t.close);
  }

  /** The answer that the feedback is about. */
  get output() {
    return this.getAttribute("output") ?? "";
  }

  #rating() {
    return Number(this.#parts.stars.find((star) => star.checked)?.value ?? 0);
  }

  #typed() {
    const p = this.#parts;
    cancelAnimationFrame(p.frame);
    clearTimeout(p.pause);
    p.frame = requestAnimationFrame(() => {
      const steps = wordDiff(this.output, p.better.value);
      const tags = { delete: "del", insert: "ins" };
      p.diff.replaceChildren(...steps.map(([op, text]) => (tags[op] ? el(tags[op], {}, text) : text)));
      const size = (op) => steps.filter((step) => step[0] === op).reduce((sum, step) => sum + (step[1].match(/\S+/g)?.length ?? 0), 0);
      // A screen reader hears the totals when typing pauses, not each letter.
      p.pause = setTimeout(() => (p.count.textContent = AgentFeedback.texts.count(size("delete"), size("insert"))), 700);
    });
  }

  #sendDetails() {
    const p = this.#parts;
    const rating = this.#rating() || undefined;
    const text = p.comment.value.trim() || undefined;
    const categories = p.issues.filter((box) => box.checked).map((box) => box.value);
    if (!rating && !text && !categories.length) return this.#say(AgentFeedback.texts.nothing);
    const type = categories.length ? "report_issue" : text ? "detailed_feedback" : "star_rating";
    return this.#send({ type, rating, text, categories: categories.length ? categories : undefined });
  }

  #sendCorrection() {
    const correction = this.#parts.better.value;
    if (!correction.trim() || correction === this.output) return this.#say(AgentFeedback.texts.unchanged);
    return this.#send({ type: "correction", correction });
  }

  #say(text) {
    this.#parts.status.textContent = text;
  }

  #send(fields) {
    if (this.#busy) return undefined;
    const [agent, execution, user] = ["agent", "execution", "user"].map((name) => this.getAttribute(name) ?? undefined);
    return this.#attempt({ agent, execution, user, ...fields, idempotencyKey: newKey() });
  }

  /** One try; a failure keeps the feedback with its key, so that trying again cannot count twice. */
  async #attempt(feedback) {
    if (this.#busy || !feedback) return;
    const p = this.#parts;
    this.#setBusy(true);
    p.problem.hidden = true;
    this.#say(AgentFeedback.texts.sending);
    const client = new AgentLearning({ endpoint: this.getAttribute("endpoint") ?? undefined, key: this.getAttribute("key") ?? "", retries: 0 });
    try {
      const answer = await client.sendFeedback(feedback);
      if (p === this.#parts) this.#accepted(feedback);
      this.#tell("feedback-sent", { ...feedback, feedbackId: answer.feedback_id });
    } catch (error) {
      if (p === this.#parts) this.#refused(feedback, error);
      this.#tell("feedback-error", { error, type: feedback.type });
    } finally {
      this.#setBusy(false);
    }
  }

  #accepted({ type }) {
    const p = this.#parts;
    const t = AgentFeedback.texts;
    const retried = this.#root.activeElement === p.again;
    this.#failed = null;
    if (type.startsWith("thumbs")) {
      p.up.setAttribute("aria-pressed", String(type === "thumbs_up"));
      p.down.setAttribute("aria-pressed", String(type === "thumbs_down"));
      if (p.editor.hidden) this.#show(p.details, true);
    } else {
      const panel = type === "correction" ? p.editor : p.details;
      this.#show(panel, false, panel.contains(this.#root.activeElement));
    }
    if (retried) p.up.focus();
    this.#say(type === "correction" ? t.thanksCorrection : t.thanks);
  }

  #refused(feedback, error) {
    const p = this.#parts;
    this.#failed = feedback;
    this.#say("");
    p.words.textContent = error.message;
    p.problem.hidden = false;
    p.again.hidden = !error.temporary;
  }

  #setBusy(busy) {
    this.#busy = busy;
    for (const button of this.#root.querySelectorAll("button")) {
      if (busy) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

export class AgentOutput extends HTMLElement {
  static observedAttributes = [...FORWARDED, "output"];

  #text = el("div", { className: "text", part: "text" });
  #slot = el("slot", { onslotchange: () => this.#render() });
  #feedback = document.createElement("agent-feedback");

  connectedCallback() {
    if (!this.shadowRoot) {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(this.#text, this.#feedback);
    }
    this.#render();
  }

  attributeChangedCallback() {
    if (this.shadowRoot) this.#render();
  }

  /** The answer: the attribute, or else the element's own text, which is readable without script too. */
  get output() {
    return this.getAttribute("output") ?? this.textContent.trim();
  }

  #render() {
    if (this.hasAttribute("output")) this.#text.textContent = this.output;
    else if (!this.#slot.isConnected) this.#text.replaceChildren(this.#slot);
    this.#feedback.setAttribute("output", this.output);
    for (const name of FORWARDED) {
      if (this.hasAttribute(name)) this.#feedback.setAttribute(name, this.getAttribute(name));
      else this.#feedback.removeAttribute(name);
    }
  }
}

if (!customElements.get("agent-feedback")) customElements.define("agent-feedback", AgentFeedback);
if (!customElements.get("agent-output")) customElements.define("agent-output", AgentOutput);
