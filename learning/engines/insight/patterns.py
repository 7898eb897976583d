"""Which choices and circumstances go with success, and which with failure. Pure.

For each yes-or-no property: how often executions with and without it succeeded, and the difference with an interval and
p-value that know who judged and what belongs together (clustered.py). Where few have a property these find far too much
(MacKinnon and Webb 2018, Econometrics Journal 21), so they are never surer than what holds for independent opinions:
Fisher's exact test, and Newcombe's interval (1998, Statistics in Medicine 17, 873-890, method 10). Where people, or
cases, mostly have a property always or never, these count people, or cases.
Benjamini-Yekutieli over all properties.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from learning.engines.insight.clustered import SMALLEST, slope_of, standardise
from learning.engines.insight.correlations import FALSE_DISCOVERIES, benjamini_yekutieli
from learning.engines.insight.rates import Rate, rate_of
from learning.engines.insight.types import FEWEST

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats, Integers

FEWEST_EACH = 5  # opinions with, and without, a property


@dataclass(frozen=True, slots=True)
class Pattern:
    """A property with the success rates of executions that have it and of those that do not.

    `lift`: the first over the second, None where that is 0. `difference` (-1 to 1) with interval; `adjusted`: its
    p-value among all properties, None when there was nothing to test.
    """

    name: str
    having: Rate
    lacking: Rate
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None = None

    @property
    def lift(self) -> float | None:
        return (self.having.value or 0.0) / self.lacking.value if self.lacking.value else None

    @property
    def significant(self) -> bool:
        return self.adjusted is not None and self.adjusted <= FALSE_DISCOVERIES


def find_patterns(
    properties: Mapping[str, Flags], success: Floats, reviewers: Integers, cases: Integers
) -> list[Pattern]:
    """Every property that occurs often enough to say something, the surest first. success: 1, 0 or nan."""
    import numpy as np

    known = np.isfinite(success)
    found = []
    if int(known.sum()) >= FEWEST:
        clusterings = [reviewers[known], cases[known]]
        for name, flags in properties.items():
            pattern = _pattern(name, flags[known].astype(float), success[known], clusterings)
            found += [pattern] if pattern else []
    adjusted = benjamini_yekutieli([one.p_value for one in found])
    found = [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]
    return sorted(found, key=lambda one: (1.0 if one.p_value is None else one.p_value, one.name))


def _pattern(name: str, flags: Floats, success: Floats, clusterings: list[Integers]) -> Pattern | None:
    import numpy as np

    count = int(flags.sum())
    if not FEWEST_EACH <= count <= len(flags) - FEWEST_EACH:
        return None
    having = rate_of(float(success[flags > 0].sum()), count)
    lacking = rate_of(float(success[flags == 0].sum()), len(flags) - count)
    x, y = standardise(flags), standardise(success)
    difference = (having.value or 0.0) - (lacking.value or 0.0)
    if x is None or y is None:
        return Pattern(name, having, lacking, difference, None, None, None)
    slope, scale = slope_of(x, y, clusterings), float(np.std(success) / np.std(flags))
    if slope.low is None or slope.high is None or slope.p_value is None:
        return Pattern(name, having, lacking, difference, None, None, slope.p_value)
    sides = list(_independent(flags, having, lacking, clusterings))
    lows, highs = zip((slope.low * scale, slope.high * scale), *(_newcombe(*rates) for rates in sides), strict=True)
    p_value = max(slope.p_value, *(_fisher(*rates) for rates in sides))
    return Pattern(name, having, lacking, difference, max(-1.0, min(lows)), min(1.0, max(highs)), p_value)


def _independent(
    flags: Floats, having: Rate, lacking: Rate, clusterings: list[Integers]
) -> Iterator[tuple[Rate, Rate]]:
    """The two rates as those of so many independent opinions: of all, and of the clusters that are on one side."""
    import numpy as np

    for codes in (np.arange(len(flags)), *clusterings):
        sides = np.unique(codes[flags > 0]), np.unique(codes[flags == 0])
        smaller = min(len(side) for side in sides)
        if 2 * len(np.intersect1d(*sides)) <= smaller:
            rates = zip((having, lacking), map(len, sides), strict=True)
            with_it, without = (rate_of((one.value or 0.0) * count, count) for one, count in rates)
            yield with_it, without


def _newcombe(having: Rate, lacking: Rate) -> tuple[float, float]:
    """The difference of two independent rates, from the ends of each."""
    ends = [(one.value or 0.0, one.low or 0.0, 1.0 if one.high is None else one.high) for one in (having, lacking)]
    (first, low, high), (second, least, most) = ends
    below, above = math.hypot(first - low, most - second), math.hypot(high - first, second - least)
    return first - second - below, first - second + above


def _fisher(having: Rate, lacking: Rate) -> float:
    """Two-sided, as if all opinions were independent."""
    import numpy as np
    from scipy import stats

    counts = np.array([[round(one.successes), round(one.n - one.successes)] for one in (having, lacking)])
    return max(SMALLEST, min(1.0, float(stats.fisher_exact(counts).pvalue)))
