/* <agent-feedback> asks what a user thinks of an agent's answer; docs/widget.md tells how to use it. */

import { AgentLearningError, newKey } from "../learning/request.js";
import { outbox } from "./agent-feedback-outbox.js";
import { ISSUES, correctionFields, detailsFields, el, icon, typeOf } from "./agent-feedback-parts.js";
import { sheet } from "./agent-feedback-style.js";
import { addTexts, loadTexts, textsFor } from "./agent-feedback-texts.js";

const NEEDS = {
  thumbs: ["thumbs_up", "thumbs_down"],
  stars: ["star_rating"],
  dimensions: ["detailed_feedback"],
  issues: ["report_issue"],
  comment: ["detailed_feedback"],
  correction: ["correction"],
};
const TOLD = { sent: "feedback-sent", kept: "feedback-queued", refused: "feedback-refused", lost: "feedback-refused" };

export class AgentFeedback extends HTMLElement {
  static observedAttributes = ["agent", "execution", "output", "show", "issues", "lang", "key", "token", "endpoint"];

  static addTexts = addTexts;

  #root = this.attachShadow({ mode: "open" });
  #parts = null;
  #texts = null;
  #busy = false;

  connectedCallback() {
    if (!this.dataset.testid) this.dataset.testid = "feedback-widget";
    for (const name of ["texts", "output"]) this.#upgrade(name);
    if (!this.#parts) this.#start();
    this.#know();
  }

  #start() {
    const loading = loadTexts(this);
    if (loading) loading.then(() => this.#build());
    else this.#build();
  }

  /** A property that the page set before this file was loaded hides the accessor of its name. */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const given = this[name];
    delete this[name];
    this[name] = given;
  }

  attributeChangedCallback(name, before, after) {
    if (!this.#parts || before === after) return;
    this.#know();
    if (name === "output") this.#parts.editing.begin(this.output);
    else if (!["key", "token", "endpoint"].includes(name)) this.#start();
  }

  get output() {
    return this.getAttribute("output") ?? "";
  }

  set output(text) {
    this.setAttribute("output", text);
  }

  get texts() {
    return this.#texts;
  }

  set texts(given) {
    this.#texts = given;
    if (this.#parts) this.#build();
  }

  get #credential() {
    return this.getAttribute("token") || this.getAttribute("key") || "";
  }

  get #endpoint() {
    const { href } = new URL(this.getAttribute("endpoint") ?? "/api/learning/", document.baseURI);
    return href.replace(/\/?$/, "/");
  }

  #know() {
    const execution = this.getAttribute("execution");
    if (execution) outbox.know(this.#endpoint, execution, this.#credential);
  }

  /** The parts to show: those of the attribute that the token allows. */
  #shown() {
    const named = (this.getAttribute("show") ?? Object.keys(NEEDS).join(" ")).split(/[\s,]+/);
    const types = claimsOf(this.getAttribute("token"))?.types;
    return new Set(named.filter((part) => NEEDS[part]?.every((type) => !types || types.includes(type))));
  }

  #build() {
    const t = textsFor(this);
    const shown = this.#shown();
    const issues = this.getAttribute("issues")?.split(/[\s,]+/).filter(Boolean) ?? ISSUES;
    const p = (this.#parts = { t, rating: detailsFields(t, shown, issues), editing: correctionFields(t) });
    const rated = ["stars", "dimensions", "issues", "comment"].some((part) => shown.has(part));
    this.#root.adoptedStyleSheets = [sheet];
    p.up = this.#thumb("up", "thumbs_up", t.up);
    p.down = this.#thumb("down", "thumbs_down", t.down);
    p.editorToggle = this.#toggle(t.correct, "editor");
    p.detailsToggle = this.#toggle(t.more, "details");
    p.status = el("span", { className: "status", part: "status", role: "status" });
    p.again = el("button", { type: "button", part: "button", hidden: true, onclick: () => outbox.flush() }, t.tryNow);
    p.problem = el("div", { className: "problem", part: "problem", role: "alert", hidden: true });
    p.details = this.#panel("details", t.send, () => this.#sendDetails(), p.rating.fields);
    p.editor = this.#panel("editor", t.sendCorrection, () => this.#sendCorrection(), p.editing.fields);
    p.editing.begin(this.output);
    const buttons = [
      ...(shown.has("thumbs") ? [p.up, p.down] : []),
      shown.has("correction") && p.editorToggle,
      rated && p.detailsToggle,
    ];
    const bar = el("div", { className: "bar", part: "bar", role: "group", "aria-label": t.group }, ...buttons, p.status, p.again);
    // The language of the words, which may differ from that of the page.
    this.#root.replaceChildren(el("div", { lang: t.lang }, bar, p.details, p.editor, p.problem));
    p.hasDetails = rated;
  }

  #thumb(shape, type, label) {
    const press = () => button.getAttribute("aria-pressed") !== "true" && this.#send({ type });
    const button = el("button", { type: "button", part: "button thumb", "aria-pressed": "false", title: label, onclick: press }, icon(shape));
    button.append(el("span", { className: "hide" }, label));
    return button;
  }

  #toggle(label, panel) {
    const press = () => this.#show(this.#parts[panel], this.#parts[panel].hidden, true);
    return el("button", { type: "button", part: "button", "aria-expanded": "false", onclick: press }, label);
  }

  /** Closes with Escape, sends with Ctrl+Enter, and keeps its keys from the shortcuts of the page. */
  #panel(name, sendLabel, submit, fields) {
    const send = () => !this.#busy && submit();
    const close = () => this.#show(form, false, true);
    const form = el("form", { className: "panel", part: "panel", hidden: true, onsubmit: (event) => (event.preventDefault(), send()) });
    form.append(...fields.filter(Boolean), el("div", { className: "row" },
      el("button", { className: "main", part: "button send" }, sendLabel),
      el("button", { type: "button", className: "link", part: "button", onclick: close }, this.#parts.t.close)));
    form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
      if (event.key === "Escape") close();
    });
    form.toggle = this.#parts[`${name}Toggle`];
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

  #sendDetails() {
    const given = this.#parts.rating.read();
    const type = typeOf(given);
    return type ? this.#send({ type, ...given }) : this.#say(this.#parts.t.nothing);
  }

  #sendCorrection() {
    const correction = this.#parts.editing.text.value;
    if (!correction.trim() || correction === this.output) return this.#say(this.#parts.t.unchanged);
    return this.#send({ type: "correction", correction });
  }

  #say(text) {
    this.#parts.status.textContent = text;
  }

  async #send(fields) {
    if (this.#busy) return;
    const p = this.#parts;
    const [agent, execution, user] = ["agent", "execution", "user"].map((name) => this.getAttribute(name) || undefined);
    const consent = this.getAttribute("consent") === "no" ? false : undefined;
    const feedback = { agent, execution, user, consent, ...fields };
    if (!this.#tell("feedback-send", { ...feedback }, true)) return; // the page does it itself
    this.#setBusy(true);
    p.problem.hidden = true;
    this.#say(p.t.sending);
    const outcome = await this.#submit(feedback, (late) => this.#settled(p, feedback, late, true));
    this.#settled(p, feedback, outcome, false);
    this.#setBusy(false);
  }

  /** A secret key in a page is everybody's: not used, so that the mistake shows. */
  #submit(feedback, settled) {
    const credential = this.#credential;
    if (credential.startsWith("sk_")) {
      return { state: "refused", error: new AgentLearningError("A secret key must not stand in a page.", { status: 403 }) };
    }
    const item = { id: newKey(), at: Date.now(), endpoint: this.#endpoint, credential, body: bodyOf(feedback) };
    return outbox.submit(item, settled);
  }

  /** `late`: it was kept first; meanwhile somebody may be typing the next piece. */
  #settled(p, feedback, outcome, late) {
    const { state, error } = outcome;
    if (p === this.#parts) {
      if (state === "refused" || state === "lost") this.#refused(outcome, late);
      else this.#accepted(feedback, state === "kept", late);
    }
    this.#tell(TOLD[state], { ...feedback, feedbackId: outcome.answer?.feedback_id, error });
  }

  #accepted({ type }, kept, late) {
    const p = this.#parts;
    if (!late && type.startsWith("thumbs")) this.#press(type);
    else if (!late) this.#finish(type === "correction" ? p.editor : p.details);
    if (!kept && this.#root.activeElement === p.again) (p.up.isConnected ? p.up : p.detailsToggle).focus();
    p.again.hidden = !kept;
    this.#say(kept ? p.t.kept : type === "correction" ? p.t.thanksCorrection : p.t.thanks);
  }

  #press(type) {
    const { up, down, editor, details, hasDetails } = this.#parts;
    up.setAttribute("aria-pressed", String(type === "thumbs_up"));
    down.setAttribute("aria-pressed", String(type === "thumbs_down"));
    if (type && editor.hidden && hasDetails) this.#show(details, true);
  }

  #finish(panel) {
    if (!panel.hidden) this.#show(panel, false, panel.contains(this.#root.activeElement));
    if (panel !== this.#parts.details) return;
    panel.reset();
    this.#parts.rating.reset();
  }

  #refused({ state, error }, late) {
    const { t, problem, again } = this.#parts;
    const { status, message } = error;
    const reasons = { 401: /\bexpired\b/.test(message) && t.expired, 403: t.notAllowed, 409: this.getAttribute("token") && t.already };
    if (late) this.#press("");
    this.#say("");
    again.hidden = true;
    problem.textContent = state === "lost" ? t.full : reasons[status] || t.refused(message);
    problem.hidden = false;
  }

  #setBusy(busy) {
    this.#busy = busy;
    for (const button of this.#root.querySelectorAll("button")) {
      if (busy) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  #tell(name, detail, cancelable = false) {
    const target = this.isConnected ? this : document;
    return target.dispatchEvent(new CustomEvent(name, { detail, cancelable, bubbles: true, composed: true }));
  }
}

function bodyOf({ agent, execution, user, type, text, correction, categories, ...more }) {
  const said = { feedback_type: type, feedback_text: text, correction_text: correction, issue_categories: categories };
  return { agent_id: agent, execution_id: execution, user_id: user, ...said, ...more };
}

/** What a token says of itself; whether it is good the server decides. */
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.slice(3).split(".")[0].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return null;
  }
}

/** The element that sent it is gone. */
outbox.orphan = ({ body }, { state, answer, error }) => {
  const detail = { type: body.feedback_type, execution: body.execution_id, feedbackId: answer?.feedback_id, error, earlier: true };
  document.dispatchEvent(new CustomEvent(TOLD[state], { detail }));
};

if (!customElements.get("agent-feedback")) customElements.define("agent-feedback", AgentFeedback);
export { AgentOutput } from "./agent-output.js";
setTimeout(() => outbox.flush()); // after the elements of this page have told their keys and tokens
