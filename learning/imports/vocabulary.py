"""What a score of another system says in our words: thumbs, stars, one of four dimensions, a text, or a correction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

DIMENSIONS = ("accuracy", "helpfulness", "clarity", "completeness")
STARS = (1.0, 5.0)
LONGEST_TEXT = 100_000  # characters


class Unusable(Exception):
    """A row that cannot be taken; the text says why."""


class LeftOut(Exception):
    """A row that the caller did not ask for; the text says why."""


@dataclass(frozen=True)
class Choices:
    """How to read a file. `ranges`: the lowest and highest value of a metric, which become one and five stars."""

    agent: str = ""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lower_is_better: frozenset[str] = frozenset()
    metrics: frozenset[str] | None = None  # None: all
    by_observation: bool = False  # the executions are Langfuse's observations, not its traces
    model_scores: bool = False  # take what a model has judged, too

    def check_wanted(self, name: str) -> None:
        """Raises LeftOut for a metric that is not among the wanted ones."""
        if self.metrics is not None and name not in self.metrics:
            raise LeftOut(f"the metric {name!r} was not asked for")


@dataclass(frozen=True)
class Imported:
    """One piece of feedback: the fields of our API, and when it was said (UTC), if the file says so."""

    item: Mapping[str, Any]
    said_at: datetime | None = None


def about(execution_id: str, key: str, choices: Choices, user_id: str = "") -> dict[str, Any]:
    """What every piece of feedback says: of what, by whom, and a key by which it is stored once."""
    if not execution_id:
        raise Unusable("it does not say what it is about")
    named = {"agent_id": choices.agent, "execution_id": execution_id, "user_id": user_id, "idempotency_key": key}
    return {name: value for name, value in named.items() if value}


def from_boolean(name: str, value: bool, choices: Choices) -> dict[str, Any]:
    """A thumb; for one of our dimensions five or one."""
    good = value is not (name in choices.lower_is_better)
    if name in DIMENSIONS:
        return {"feedback_type": "detailed_feedback", name: 5 if good else 1}
    return {"feedback_type": "thumbs_up" if good else "thumbs_down"}


def from_number(name: str, value: float, choices: Choices) -> dict[str, Any]:
    """Stars, or one of our dimensions. Raises Unusable for a number whose range nobody has told."""
    if not math.isfinite(value):
        raise Unusable(f"{name} is {value}")
    stars = _stars(name, value, choices)
    if name in DIMENSIONS:
        return {"feedback_type": "detailed_feedback", name: stars}
    return {"feedback_type": "star_rating", "rating": stars}


def from_text(text: str) -> dict[str, Any]:
    """A comment."""
    if not text.strip():
        raise Unusable("the text is empty")
    return {"feedback_type": "detailed_feedback", "feedback_text": text[:LONGEST_TEXT]}


def from_correction(text: str) -> dict[str, Any]:
    """The answer as it should have been."""
    if not text.strip():
        raise Unusable("the answer as it should have been is empty")
    if len(text) > LONGEST_TEXT:
        raise Unusable(f"the answer has more than {LONGEST_TEXT:,} characters")
    return {"feedback_type": "correction", "correction_text": text}


def as_time(text: Any) -> datetime | None:
    """A time as these systems write it, UTC where no zone is given; None for none. Raises Unusable for no time."""
    if text in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Unusable(f"{str(text)[:40]!r} is no time") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _stars(name: str, value: float, choices: Choices) -> int:
    """From one to five: by the range that was given, or as it stands when it is whole stars."""
    if name not in choices.ranges:
        if value != int(value) or not STARS[0] <= value <= STARS[1]:
            raise Unusable(f"{name} = {value:g} is no number of stars; say its range: --range {name}=LOW:HIGH")
        stars = int(value)
    else:
        low, high = choices.ranges[name]
        if not low <= value <= high:
            raise Unusable(f"{name} = {value:g} lies outside of its range {low:g}:{high:g}")
        stars = math.floor(1 + 4 * (value - low) / (high - low) + 0.5)
    return 6 - stars if name in choices.lower_is_better else stars
