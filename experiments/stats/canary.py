"""Is a canary worse than the rest? From the stream of bad events alone, so that neither traffic nor its drift matters.

If the canary is no worse, each bad event (an error, a safety flag, a thumbs down) comes from it with its share of the
exposures at that moment. The evidence that it comes more often is a likelihood ratio, mixed uniformly over all larger
shares (Lindon and Malek, NeurIPS 2022; section 14). It holds from the first event on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use: every process of the product imports this module

ALARM_ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class CanaryStep:
    """One step of a rollout: bad events of the canary and of the rest, and the canary's share of the exposures."""

    canary: int
    rest: int
    share: float

    def __post_init__(self) -> None:
        if self.canary < 0 or self.rest < 0 or not 0 < self.share < 1:
            raise ValueError("events are not negative, and the canary's share lies between 0 and 1")


@dataclass(frozen=True, slots=True)
class CanaryReading:
    """Log evidence that the canary is worse (the highest so far), whether to roll back, and why in words or ''."""

    log_e: float
    roll_back: bool
    reason: str = ""


def read_canary(
    steps: Sequence[CanaryStep],
    *,
    highest: float = 0.0,
    alpha: float = ALARM_ALPHA,
    most_events: int | None = None,
) -> CanaryReading:
    """Whether to roll back now. `highest`: the log evidence stored at the last look, so that an alarm stays.

    `most_events`: so many bad events of the canary end it, whatever the rest does (violations of safety).
    """
    highest = max(highest, canary_log_e(steps))
    events = sum(step.canary for step in steps)
    if most_events is not None and events >= most_events:
        return CanaryReading(highest, True, f"{events} bad events of the canary; {most_events} end it.")
    if highest >= -math.log(alpha):
        rest = sum(step.rest for step in steps)
        return CanaryReading(highest, True, f"{events} of {events + rest} bad events came from the canary.")
    return CanaryReading(highest, False)


def canary_log_e(steps: Sequence[CanaryStep]) -> float:
    """Log e-value against "the canary is no worse", over all steps.

    Trouble may start at any step: the product of the evidence from step j on is an e-process too, and so is their mean
    with weights 1/(j(j+1)). A good start cannot hide a bad end.
    """
    if not steps:
        return 0.0
    own = np.array([_step_log_e(step) for step in steps])
    since = own[::-1].cumsum()[::-1]
    order = np.arange(1, len(steps) + 1)
    # What starts after the last step is 1 for now and has the rest of the weight.
    return float(scipy.special.logsumexp([*(since - np.log(order * (order + 1.0))), -math.log(len(steps) + 1)]))


def _step_log_e(step: CanaryStep) -> float:
    """ln of B(S+1, F+1) (1 - I_share(S+1, F+1)) / ((1 - share) share^S (1 - share)^F)."""
    first, second = step.canary + 1, step.rest + 1
    above = float(scipy.stats.beta.logsf(step.share, first, second))
    mixed = float(scipy.special.betaln(first, second)) + above - math.log1p(-step.share)
    return mixed - step.canary * math.log(step.share) - step.rest * math.log1p(-step.share)
