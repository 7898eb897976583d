"""Words that tables and pages share with the statistics; imports no numbers' library, so that they stay small."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

MOST_CROSSED = 0.01


class Role(enum.StrEnum):
    """What a metric is for: a success metric must get better, a guardrail must not get worse than its margin."""

    SUCCESS = "success"
    GUARDRAIL = "guardrail"


class Verdict(enum.StrEnum):
    """Who has won; stopped for harm: nobody had yet, or a guardrail is broken, and the users must be kept from it."""

    CONTROL = "control"
    TREATMENT = "treatment"
    INCONCLUSIVE = "inconclusive"
    STOPPED_FOR_HARM = "stopped_for_harm"

    @property
    def winner(self) -> str:
        """As the older name of a verdict has it: control, treatment or inconclusive."""
        return Verdict.CONTROL.value if self is Verdict.STOPPED_FOR_HARM else self.value


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared. `margin` is how much worse a guardrail may get, in units of the outcome, set before the start.

    `percent` says that texts can speak of percentage points, `unit` names the unit otherwise; `rate` says that the
    outcome lies between 0 and 1, so that exact bounds exist where it is rare. `exact` asks for them at any number of
    units, for a rate of which few successes or failures are expected; like the margin it is set before the start.
    """

    name: str
    role: Role
    higher_is_better: bool
    margin: float = 0.0
    percent: bool = True
    unit: str = ""
    rate: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError("a margin is finite and not negative")
        if self.exact and not self.rate:
            raise ValueError("exact bounds need a rate")

    def number(self, amount: float) -> str:
        """An amount of this metric without its unit."""
        return f"{amount * 100:.1f}" if self.percent else f"{amount:,.4g}"

    def say(self, amount: float) -> str:
        """An amount of this metric in words."""
        return f"{self.number(amount)} {'points' if self.percent else self.unit}".strip()


def too_many_crossed(crossed: int, units: int) -> bool:
    """Whether more than one in a hundred of the exposed units met several arms."""
    return crossed > MOST_CROSSED * units
