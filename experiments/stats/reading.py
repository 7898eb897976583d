"""One metric of one treatment against control at one moment of looking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.stats.exact import difference_bounds, difference_p, units_until_within
from experiments.stats.moments import SampleMoments
from experiments.stats.planning import units_until_safe
from experiments.stats.relative import relative_lift, relative_sequence
from experiments.stats.scores import compare
from experiments.stats.sequence import (
    Difference,
    Interval,
    always_valid_p,
    confidence_sequence,
    difference_in_means,
    one_sided,
    units_short,
)
from experiments.stats.sufficient import Stratum, Sums, pooled
from experiments.stats.terms import Metric

NOTHING = Interval(math.nan, math.nan)


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

    Before both arms are large enough (`short` > 0) the interval is nan and p stays where it was. `shares_changed`: the
    strata had different splits, so bounds that pool them do not hold. `relative` is the lift as a share of control's
    mean, with its own sequence, unbounded while that mean is not told from 0; nan where shares make no sense.
    """

    metric: Metric
    arm: str
    control: SampleMoments
    treatment: SampleMoments
    difference: Difference
    interval: Interval
    p: float
    short: int
    shares_changed: bool = False
    relative: float = math.nan
    relative_interval: Interval = NOTHING

    @property
    def exact(self) -> bool:
        """Whether the exact bounds of a rate apply: asked for, or needed for so few units."""
        return (self.metric.exact or self.short > 0) and self.metric.rate and not self.shares_changed

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
        if not self.exact:
            unknown = Interval(math.nan, math.nan)
            return unknown if self.short else one_sided(self.oriented, planned_units=planned_units, alpha=alpha)
        exact = difference_bounds(self.control, self.treatment, alpha=alpha)
        return exact if self.metric.higher_is_better else Interval(-exact.high, -exact.low)

    def units_until_safe(self, *, planned_units: int, alpha: float) -> int | None:
        """How many more units until it is shown to be not worse than its margin; None when nobody can say."""
        if not self.exact:
            margin = self.metric.margin
            known = not self.short
            return (
                units_until_safe(self.oriented, margin=margin, planned_units=planned_units, alpha=alpha)
                if known
                else None
            )
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
    reading = Reading(metric, arm, control.moments, treatment.moments, difference, NOTHING, previous_p, short)
    return _with_inference(reading, planned_units=planned_units, alpha=alpha)


def read_strata(
    metric: Metric,
    arm: str,
    strata: Sequence[Stratum],
    *,
    control: str,
    planned_units: int,
    alpha: float,
    few_values: bool,
    ratio: bool = False,
    previous_p: float = 1.0,
) -> Reading:
    """The same from the sums of the strata, with covariates and ratios (see `experiments.stats.sufficient`).

    `few_values`: the outcomes are mostly -1, 0 or 1, so that inference waits for ten unlike the most common.
    """
    comparison = compare(strata, control, arm, ratio=ratio)
    sums = [pooled(strata, key) for key in (control, arm)]
    short = max(units_short(one.n, one.unlike if few_values else None) for one in sums)
    # What the exact bounds take, and what is shown before anything is known.
    samples = [_ratio_alone(one) if ratio else one.moments for one in sums]
    if comparison.difference.known and not (metric.rate and (metric.exact or short)):
        samples = [
            _sample(comparison.control, comparison.control_variance, comparison.control_units),
            _sample(comparison.treatment, comparison.treatment_variance, comparison.treatment_units),
        ]
    shares = {_share(stratum, control, arm) for stratum in strata}
    reading = Reading(
        metric, arm, samples[0], samples[1], comparison.difference, NOTHING, previous_p, short, len(shares) > 1
    )
    reading = _with_inference(reading, planned_units=planned_units, alpha=alpha)
    if short:  # no sequence yet, of whichever lift
        return reading
    interval = relative_sequence(comparison, planned_units=planned_units, alpha=alpha)
    return replace(reading, relative=relative_lift(comparison), relative_interval=interval)


def _with_inference(reading: Reading, *, planned_units: int, alpha: float) -> Reading:
    if reading.metric.exact and reading.exact:
        p = min(reading.p, difference_p(reading.control, reading.treatment))
        interval = difference_bounds(reading.control, reading.treatment, alpha=alpha / 2)
        return replace(reading, interval=interval, p=p, short=0)
    if reading.short:
        return reading
    interval = confidence_sequence(reading.difference, planned_units=planned_units, alpha=alpha)
    p = always_valid_p(reading.difference, planned_units=planned_units, alpha=alpha, previous=reading.p)
    return replace(reading, interval=interval, p=p)


def _sample(mean: float, variance: float, n: int) -> SampleMoments:
    """The moments of a plain sample with this mean and this variance of the mean."""
    return SampleMoments(n, mean, variance * n * (n - 1))


def _ratio_alone(sums: Sums) -> SampleMoments:
    """The ratio of an arm of which nothing else is known."""
    if not sums.n or not sums.means[1]:
        return SampleMoments.empty()
    return SampleMoments(sums.n, float(sums.means[0] / sums.means[1]), 0.0)


def _share(stratum: Stratum, control: str, treatment: str) -> float:
    shares = [stratum.propensities.get(key, 0.0) for key in (control, treatment)]
    return round(shares[1] / sum(shares), 9) if sum(shares) else math.nan
