/* <agent-output> shows an agent's answer, with <agent-feedback> below it. The answer is text, never markup. */

import { el } from "./agent-feedback-parts.js";
import { sheet } from "./agent-feedback-style.js";

const FORWARDED = ["endpoint", "key", "token", "agent", "execution", "user", "show", "issues", "consent", "lang"];

export class AgentOutput extends HTMLElement {
  static observedAttributes = [...FORWARDED, "output"];

  #root = this.attachShadow({ mode: "open" });
  #text = el("div", { className: "text", part: "text", dir: "auto" });
  #feedback = document.createElement("agent-feedback");
  // An answer that comes word by word is added to the content.
  #watch = new MutationObserver(() => this.#render());

  connectedCallback() {
    this.#root.adoptedStyleSheets = [sheet];
    if (!this.#text.isConnected) this.#root.append(this.#text, this.#feedback);
    this.#feedback.setAttribute("exportparts", "bar, button, thumb, panel, stars, dimensions, scale, chips, textarea, diff, send, status, problem");
    this.#watch.observe(this, { childList: true, characterData: true, subtree: true });
    this.#render();
  }

  disconnectedCallback() {
    this.#watch.disconnect();
  }

  attributeChangedCallback() {
    if (this.#text.isConnected) this.#render();
  }

  /** The answer: the attribute, or else the element's own text, which is readable without script too. */
  get output() {
    return this.getAttribute("output") ?? this.textContent.trim();
  }

  set output(text) {
    this.setAttribute("output", text);
  }

  /** The element that asks, for its `texts`. */
  get feedback() {
    return this.#feedback;
  }

  #render() {
    if (this.#text.textContent !== this.output) this.#text.textContent = this.output;
    this.#feedback.setAttribute("output", this.output);
    for (const name of FORWARDED) {
      if (this.hasAttribute(name)) this.#feedback.setAttribute(name, this.getAttribute(name));
      else this.#feedback.removeAttribute(name);
    }
  }
}

if (!customElements.get("agent-output")) customElements.define("agent-output", AgentOutput);
