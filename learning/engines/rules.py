"""Rules by which feedback and executions become examples: what they ask for, and which one decides. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

POSITIVE, NEGATIVE = "positive", "negative"
DIVISOR = 1 << 64


class ConditionRefused(ValueError):
    """A condition that cannot be followed; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Candidate:
    """One piece of feedback with its execution, or an execution alone.

    `ups` and `downs`: how many were content and discontent with the execution. `slow_above`: milliseconds that 95 of
    100 recent executions of the agent stay below; None when too few are known.
    """

    key: str
    feedback_type: str = ""
    rating: int | None = None
    issue_categories: tuple[str, ...] = ()
    has_comment: bool = False
    status: str = ""
    confidence: float | None = None
    duration_ms: float | None = None
    slow_above: float | None = None
    ups: int = 0
    downs: int = 0

    @property
    def opinion(self) -> str:
        """As the statistics count it: content, discontent, or empty for neither."""
        low = self.rating is not None and self.rating <= 2
        if self.feedback_type in ("thumbs_down", "report_issue") or low:
            return NEGATIVE
        high = self.rating is not None and self.rating >= 4
        return POSITIVE if self.feedback_type == "thumbs_up" or high else ""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold, all of it; what is left out holds always. What is not known about a candidate never holds.

    rating_min, rating_max: 1-5; confidence_below: 0-1; issue_categories: any of them; sample: the share, 0-1, of what
    fits that is taken, decided by the key alone.
    """

    opinion: str = ""
    feedback_types: tuple[str, ...] = ()
    rating_min: int | None = None
    rating_max: int | None = None
    issue_categories: tuple[str, ...] = ()
    has_comment: bool | None = None
    disagreement: bool = False
    status: str = ""
    confidence_below: float | None = None
    duration_above_ms: float | None = None
    slow: bool = False
    sample: float = 1.0

    def hold(self, one: Candidate, salt: str = "") -> bool:
        """Whether the candidate fits. `salt` makes the samples of two rules independent."""
        fits = (
            (not self.opinion or one.opinion == self.opinion)
            and (not self.feedback_types or one.feedback_type in self.feedback_types)
            and _above(one.rating, self.rating_min)
            and _below(one.rating, self.rating_max)
            and (not self.issue_categories or not set(self.issue_categories).isdisjoint(one.issue_categories))
            and self.has_comment in (None, one.has_comment)
            and (not self.disagreement or (one.ups > 0 and one.downs > 0))
            and (not self.status or one.status == self.status)
            and _below(one.confidence, self.confidence_below, strictly=True)
            and _above(one.duration_ms, self.duration_above_ms, strictly=True)
            and (
                not self.slow or (one.slow_above is not None and _above(one.duration_ms, one.slow_above, strictly=True))
            )
        )
        return fits and is_sampled(one.key, self.sample, salt)

    def as_json(self) -> dict[str, Any]:
        """Only what is asked for."""
        unasked = Conditions()
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != getattr(unasked, name)
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """`agent`: whose candidates it looks at, None for everybody's. `since`: the first key that it looks at."""

    key: str
    example_type: str
    conditions: Conditions
    agent: str | None = None
    since: str = ""

    def fits(self, one: Candidate, agent: str, key: str) -> bool:
        """Whether a candidate of this agent, which came in under `key`, becomes an example by this rule."""
        return self.agent in (None, agent) and key >= self.since and self.conditions.hold(one, self.key)


def first_fitting(rules: Iterable[Rule], one: Candidate, agent: str, key: str) -> Rule | None:
    """The rule that decides, of rules in the order of their position."""
    return next((rule for rule in rules if rule.fits(one, agent, key)), None)


def is_sampled(key: str, share: float, salt: str = "") -> bool:
    """Whether a key belongs to a share of all, 0-1: the same answer whenever it is asked."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{key}".encode()).digest()[:8]) < share * DIVISOR


def read_conditions(value: Mapping[str, Any], *, known: Mapping[str, Iterable[str]]) -> Conditions:
    """The conditions in a JSON object. `known`: by field, the words that may stand there. Raises ConditionRefused."""
    names = {field.name for field in fields(Conditions)}
    for name in value:
        if name not in names:
            raise ConditionRefused(str(name), f"Unknown condition {name!r}. Known are {', '.join(sorted(names))}.")
    given = {name: _read(name, one, known) for name, one in value.items() if one is not None}
    conditions = Conditions(**given)
    if conditions.rating_min and conditions.rating_max and conditions.rating_min > conditions.rating_max:
        raise ConditionRefused("rating_max", "The highest rating cannot be below the lowest.")
    return conditions


def _read(name: str, value: Any, known: Mapping[str, Iterable[str]]) -> Any:
    check, wanted = CHECKS[name]
    if not check(value):
        raise ConditionRefused(name, f"This must be {wanted}.")
    if name in known:
        words = list(known[name])
        for word in value if isinstance(value, list | tuple) else [value]:
            if word not in words:
                raise ConditionRefused(name, f"Unknown: {word!r}. Choose from {', '.join(words)}.")
    return tuple(value) if isinstance(value, list | tuple) else value


def _above(value: float | None, low: float | None, *, strictly: bool = False) -> bool:
    return low is None or (value is not None and (value > low if strictly else value >= low))


def _below(value: float | None, high: float | None, *, strictly: bool = False) -> bool:
    return high is None or (value is not None and (value < high if strictly else value <= high))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= 50 and all(isinstance(word, str) for word in value)


def _stars(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _word(value: Any) -> bool:
    return isinstance(value, str)


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "opinion": (_word, "positive or negative"),
    "feedback_types": (_words, "a list of types of feedback"),
    "rating_min": (_stars, "a whole number from 1 to 5"),
    "rating_max": (_stars, "a whole number from 1 to 5"),
    "issue_categories": (_words, "a list of issue categories"),
    "has_comment": (_flag, "true or false"),
    "disagreement": (_flag, "true or false"),
    "status": (_word, "a status of executions"),
    "confidence_below": (lambda value: _number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "duration_above_ms": (lambda value: _number(value) and 0 <= value < 1e12, "a number of milliseconds"),
    "slow": (_flag, "true or false"),
    "sample": (lambda value: _number(value) and 0 <= value <= 1, "a number from 0 to 1"),
}
