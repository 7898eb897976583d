"""The agent config that serves a user."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from agent_learning.behavior import Behavior
from agent_learning.nearest import Nearest


@dataclass(frozen=True)
class AgentConfig:
    """One immutable version of how an agent answers, and the experiment arm that the user is in ("" for none)."""

    id: str
    number: int
    content: dict[str, Any]
    variant: str = ""
    experiment_id: str | None = None
    agent_id: str = field(default="")

    @classmethod
    def from_answer(cls, answer: dict[str, Any]) -> AgentConfig:
        """What the server sends."""
        return cls(
            id=answer["config_id"],
            number=answer["config_number"],
            content=answer["content"],
            variant=answer.get("variant") or "",
            experiment_id=answer.get("experiment_id"),
            agent_id=answer["agent_id"],
        )

    @property
    def model(self) -> str:
        return str(self.content.get("model", ""))

    @cached_property
    def behavior(self) -> Behavior:
        """What a policy update taught: suggestions, forbidden actions, demonstrations; empty without one."""
        return Behavior(self.content.get("behavior") or {})

    def for_one_run(self, content: dict[str, Any] | None = None) -> AgentConfig:
        """The same config, with other content; its behavior keeps a record of its own of what is applied."""
        one = replace(self, content=self.content if content is None else content)
        one.__dict__["behavior"] = self.behavior.for_one_run()
        return one

    @property
    def parameters(self) -> dict[str, Any]:
        """Sampling parameters for the model's API: temperature, max_tokens and the like."""
        return dict(self.content.get("parameters", {}))

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.content.get("examples", []), self._template)

    @property
    def _template(self) -> str:
        return str(self.content.get("input_template", "{input}"))

    def messages(self, text: str) -> list[dict[str, str]]:
        """The chat to send: the system prompt, the examples as earlier turns, then the user's text.

        Where the config says so, the examples are those most like the text.
        """
        turns = []
        if self.content.get("system_prompt"):
            turns.append({"role": "system", "content": self.content["system_prompt"]})
        most = self.content.get("nearest_examples", 0)
        for example in self._nearest.shown(text, most) if most else self.content.get("examples", []):
            turns.append({"role": "user", "content": example["input"]})
            turns.append({"role": "assistant", "content": example["output"]})
        return [*turns, {"role": "user", "content": self._template.replace("{input}", text)}]
