"""Training runs that learn behavior: what they need, what they would take, and what they propose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from learning.engines.behavior.learner import FEWEST_EPISODES
from learning.engines.behavior.update import MEANINGS, PolicyUpdate
from learning.engines.types import JsonObject, Prompt
from learning.models import DatasetVersion
from learning.services.behavior_data import count_demonstrations
from learning.services.run_config import RunConfig
from learning.services.run_estimate import RunEstimate
from organizations.errors import Refused

FEWEST_TEST = 5
MOST_RULES = 60  # sentences that a run may ask a model for
TOKENS_IN, TOKENS_OUT = 250, 40  # about as many as one sentence takes


@dataclass(frozen=True)
class BehaviorResult:
    """The outcome of a run in the form in which every run's outcome is stored."""

    update: PolicyUpdate
    base: Mapping[str, Any]

    @property
    def candidate(self) -> Prompt | None:
        """The config to propose; None when nothing helps."""
        return None if self.update.is_empty else Prompt.from_content(self.update.content(self.base))

    def as_json(self) -> JsonObject:
        return {"kind": "behavior", "verdict": self.update.verdict, "behavior": self.update.as_json()}

    @property
    def summary(self) -> str:
        """The last line of the run's log."""
        update, meaning = self.update, MEANINGS[self.update.verdict]
        if update.is_empty:
            return f"{update.verdict.capitalize()}. {meaning}"
        kept = ", ".join(name.replace("_", " ") for name in update.included)
        if update.overall is None:
            return f"Proposed: {kept}. {meaning}"
        low, value, high = (100 * one for one in (update.overall.low, update.overall.value, update.overall.high))
        return (
            f"Proposed: {kept}. Action agreement {value:+.1f} points [{low:+.1f}, {high:+.1f}] over the most frequent "
            f"action on {update.overall.n:,} held-out steps of {update.overall.cases:,} cases. {meaning}"
        )


def check_demonstrations(version: DatasetVersion) -> None:
    """Raises Refused saying what a version lacks for an honest run."""
    learned, held_out = count_demonstrations(version)
    if learned < FEWEST_EPISODES or held_out < FEWEST_TEST:
        raise Refused(
            f"Behavior is learned from at least {FEWEST_EPISODES} approved demonstrations with steps and confirmed on "
            f"{FEWEST_TEST} more in the test split; version {version.number} has {learned} and {held_out}.",
            "dataset_version_id",
        )


def estimate_behavior(wishes: RunConfig) -> RunEstimate:
    """At most one call for each rule that the model is to word; nothing else asks it."""
    calls = min(MOST_RULES, wishes.max_calls) if wishes.word_rules else 0
    return RunEstimate(
        calls=calls,
        confirmation_calls=0,
        kept_calls=0,
        input_tokens=calls * TOKENS_IN,
        output_tokens=calls * TOKENS_OUT,
        money=None if calls else Decimal(0),
        seconds=None,
        tokens_from="the length of the texts",
        runs=0,
    )
