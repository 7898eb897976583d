"""One metric of one treatment against control at one moment of looking."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.stats.exact import difference_bounds, units_until_within
from experiments.stats.moments import SampleMoments
from experiments.stats.planning import units_until_safe
from experiments.stats.sequence import (
    Difference,
    Interval,
    always_valid_p,
    confidence_sequence,
    difference_in_means,
    one_sided,
    units_short,
)
from experiments.stats.terms import Metric


@dataclass(frozen=True, slots=True)
class Arm:
    """The sample of one arm; `unlike` is `unlike_most(outcomes)`, or None for a continuous outcome."""

    moments: SampleMoments
    unlike: int | None = None

    def __post_init__(self) -> None:
        if self.unlike is not None and not 0 <= self.unlike <= self.moments.n:
            raise ValueError("units unlike the most common one lie between zero and all units")

    @property
    def short(self) -> int:
        """How many more units this arm needs at the least before inference starts."""
        return units_short(self.moments.n, self.unlike)


@dataclass(frozen=True, slots=True)
class Reading:
    """Lift (treatment minus control), its confidence sequence, and the always-valid p-value (running minimum).

    Before both arms are large enough (`short` > 0) the interval is nan and p stays where it was.
    """

    metric: Metric
    arm: str
    control: SampleMoments
    treatment: SampleMoments
    difference: Difference
    interval: Interval
    p: float
    short: int

    @property
    def oriented(self) -> Difference:
        """The difference turned so that more is better."""
        if self.metric.higher_is_better:
            return self.difference
        return Difference(-self.difference.estimate, self.difference.standard_error, self.difference.units)

    def bounds(self, *, planned_units: int, alpha: float) -> Interval:
        """One-sided bounds of the oriented difference, each valid at `alpha`.

        Before both arms are large enough: exact ones for a rate, nan for anything else.
        """
        if not self.short:
            return one_sided(self.oriented, planned_units=planned_units, alpha=alpha)
        if not self.metric.rate:
            return Interval(math.nan, math.nan)
        exact = difference_bounds(self.control, self.treatment, alpha=alpha)
        return exact if self.metric.higher_is_better else Interval(-exact.high, -exact.low)

    def units_until_safe(self, *, planned_units: int, alpha: float) -> int | None:
        """How many more units until it is shown to be not worse than its margin; None when nobody can say."""
        if not self.short:
            return units_until_safe(self.oriented, margin=self.metric.margin, planned_units=planned_units, alpha=alpha)
        if not self.metric.rate:
            return None
        worse, better = self.treatment, self.control
        if self.metric.higher_is_better:
            worse, better = better, worse
        return units_until_within(better, worse, limit=self.metric.margin, alpha=alpha)


def read_metric(
    metric: Metric, arm: str, control: Arm, treatment: Arm, *, planned_units: int, alpha: float, previous_p: float = 1.0
) -> Reading:
    """Compare one metric of two arms now; `previous_p` is the p-value stored at the last look."""
    difference = difference_in_means(control.moments, treatment.moments)
    short = max(control.short, treatment.short)
    if short:
        return Reading(
            metric, arm, control.moments, treatment.moments, difference, Interval(math.nan, math.nan), previous_p, short
        )
    interval = confidence_sequence(difference, planned_units=planned_units, alpha=alpha)
    p = always_valid_p(difference, planned_units=planned_units, alpha=alpha, previous=previous_p)
    return Reading(metric, arm, control.moments, treatment.moments, difference, interval, p, 0)
