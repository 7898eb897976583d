"""The conditions of a rule as a person would say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learning.engines.rules import NEGATIVE, POSITIVE
from learning.models import ExecutionStatus, FeedbackType

OPINIONS = {
    POSITIVE: "the user was content (thumbs up, or 4 to 5 stars)",
    NEGATIVE: "the user was discontent (thumbs down, or 1 to 2 stars)",
}
TYPES = dict(FeedbackType.choices)
STATUSES: dict[str, str] = {
    ExecutionStatus.COMPLETED: "the execution was completed",
    ExecutionStatus.FAILED: "the execution failed",
    ExecutionStatus.CANCELLED: "the execution was cancelled",
}


def describe_conditions(conditions: Mapping[str, Any]) -> str:
    """All that must hold, such as "people disagree about the execution; 10 % of these"."""
    told = [say(conditions[name]) for name, say in SAYINGS.items() if name in conditions]
    stars = _stars(conditions.get("rating_min"), conditions.get("rating_max"))
    share = conditions.get("sample")
    taken = [f"{100 * share:g} % of these"] if share is not None else []
    return "; ".join([*stars, *filter(None, told), *taken])


def _stars(low: int | None, high: int | None) -> list[str]:
    if low is not None and high is not None:
        return [_count(low) if low == high else f"{low} to {_count(high)}"]
    if low is not None:
        return [f"at least {_count(low)}"]
    return [] if high is None else [f"at most {_count(high)}"]


def _count(stars: int) -> str:
    return f"{stars} star{'' if stars == 1 else 's'}"


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)


def _lasting(milliseconds: float) -> str:
    amount, unit = (milliseconds / 1000, "seconds") if milliseconds >= 1000 else (milliseconds, "milliseconds")
    return f"the execution took longer than {f'{amount:,.3f}'.rstrip('0').rstrip('.')} {unit}"


SAYINGS: dict[str, Callable[[Any], str]] = {
    "opinion": lambda value: OPINIONS.get(value, str(value)),
    "feedback_types": lambda names: f"the feedback is: {_either([TYPES.get(name, name).lower() for name in names])}",
    "issue_categories": lambda names: f"an issue was named: {_either(names)}",
    "has_comment": lambda has: "with a comment" if has else "without a comment",
    "disagreement": lambda asked: "people disagree about the execution" if asked else "",
    "status": lambda value: STATUSES.get(value, str(value)),
    "confidence_below": lambda value: f"the agent's confidence is below {value:g}",
    "duration_above_ms": _lasting,
    "slow": lambda asked: "slower than 95 of 100 recent executions of its agent" if asked else "",
}
