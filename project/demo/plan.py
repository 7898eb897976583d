"""How much of everything the demo plays: sizes, texts of the first configs, and the demo's own minimum samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Both configs before and after are asked with these: one short line, the same answer every time.
PARAMETERS = {"temperature": 0, "max_tokens": 8, "seed": 1, "stop": ["\n"]}


@dataclass(frozen=True)
class Task:
    """One agent of the demo: what it is for, how it is asked first, and how many texts each part uses."""

    name: str  # of the file with the texts, and of the agent
    title: str
    domain: str
    task_type: str
    question: str  # the first system prompt: what somebody writes in a hurry
    plain_instruction: str  # the best instruction that we could write without examples
    learning: int  # inputs that users comment on; only these are learned from
    untouched: int  # inputs for the accuracy before and after, used for nothing else
    max_calls: int  # of the training run
    trial: int = 0  # inputs of the experiment

    def first_config(self, model: str) -> dict[str, Any]:
        return self._content(self.question, model)

    def plain_config(self, model: str) -> dict[str, Any]:
        return self._content(self.plain_instruction, model)

    def sizes(self) -> Mapping[str, int]:
        return {"learning": self.learning, "untouched": self.untouched, "trial": self.trial}

    def _content(self, system_prompt: str, model: str) -> dict[str, Any]:
        return {
            "system_prompt": system_prompt,
            "examples": [],
            "model": model,
            "parameters": PARAMETERS,
            "input_template": "{input}",
        }


@dataclass(frozen=True)
class Trial:
    """The demo's experiment. Far smaller and shorter than the product's own minimum (1,000 users and 168 hours)."""

    users_per_look: int = 40
    looks: int = 4
    texts_per_user: int = 4
    minimum_users: int = 100
    minimum_hours: float = 0

    @property
    def users(self) -> int:
        return self.users_per_look * self.looks


REVIEWS = Task(
    name="reviews",
    title="Review sentiment",
    domain="reviews",
    task_type="sentiment",
    question="What is the sentiment of the text?",
    plain_instruction=(
        "You are a sentiment classifier. Reply with exactly one word, positive or negative, in lower case and nothing"
        " else."
    ),
    learning=220,
    untouched=150,
    max_calls=600,
    trial=150,
)
MESSAGES = Task(
    name="messages",
    title="Card message triage",
    domain="card messages",
    task_type="triage",
    question="What is this message about?",
    plain_instruction=(
        "Sort the customer's message about a bank card into one of five desks. Reply with exactly one word out of:"
        " activate, broken, estimate, late, lost. Nothing else."
    ),
    learning=170,
    untouched=120,
    max_calls=360,
)


@dataclass(frozen=True)
class Plan:
    """One play of the demo."""

    seed: int = 1
    main: Task = REVIEWS
    second: Task = MESSAGES
    trial: Trial = field(default_factory=Trial)
    edits: int = 150
    edits_pending: int = 30

    @classmethod
    def quick(cls, seed: int) -> Plan:
        """Shorter in every part: for trying the machinery, with wider intervals."""
        return cls(
            seed=seed,
            main=replace(REVIEWS, learning=130, untouched=60, max_calls=220, trial=60),
            second=replace(MESSAGES, learning=110, untouched=40, max_calls=160),
            edits=60,
        )
