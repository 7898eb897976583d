/* An agent config as it is served to one user. */

import { Behavior } from "./behavior.js";
import { Nearest } from "./nearest.js";

export class AgentConfig {
  #behavior;
  #nearest;

  /** `content` is everything that decides how the agent answers. */
  constructor({ config_id, config_number, content, variant, experiment_id, deployment_id }) {
    const ids = { experimentId: experiment_id ?? null, deploymentId: deployment_id ?? null };
    Object.assign(this, { id: config_id, number: config_number, content, variant, ...ids });
  }

  get model() {
    return this.content.model;
  }

  get parameters() {
    return this.content.parameters ?? {};
  }

  /** What a policy update taught: suggestions, forbidden actions, demonstrations; empty without one. */
  get behavior() {
    return (this.#behavior ??= new Behavior(this.content?.behavior ?? {}));
  }

  /** The same config with other words; its behavior keeps a record of its own of what is applied. */
  forOneRun(content = this.content) {
    const { id: config_id, number: config_number, variant, experimentId: experiment_id, deploymentId: deployment_id } = this;
    const copy = new AgentConfig({ config_id, config_number, content, variant, experiment_id, deployment_id });
    copy.#behavior = this.behavior.forOneRun();
    const { examples, input_template } = this.content ?? {};
    if (this.#nearest && content.examples === examples && content.input_template === input_template) copy.#nearest = this.#nearest;
    return copy;
  }

  /** The examples, looked at once. */
  #stored() {
    return (this.#nearest ??= new Nearest(this.content.examples ?? [], this.content.input_template ?? "{input}"));
  }

  /** The chat to send to the model for one input; where the config says so, with the examples that are most like it. */
  messages(input) {
    const { system_prompt, examples = [], input_template = "{input}", nearest_examples: most = 0 } = this.content;
    const shown = most ? this.#stored().shown(input, most) : examples;
    return [
      ...(system_prompt ? [{ role: "system", content: system_prompt }] : []),
      ...shown.flatMap((example) => [
        { role: "user", content: example.input },
        { role: "assistant", content: example.output },
      ]),
      { role: "user", content: input_template.replaceAll("{input}", () => input) },
    ];
  }
}
