"""Whether episodes with a trait end well more or less often than those without it. Pure.

Fisher's exact test where every episode is a case of its own. Where several episodes belong to one case (the same task
tried again), they are not independent and Fisher's test finds too much; then the larger of its p-value and that of the
difference in shares with a variance clustered by case counts (CR1: Cameron and Miller, 2015, with the t distribution of
cases - 1 degrees of freedom). A trait may come with hard cases instead of causing failure: `within_p_value` compares
only episodes of the same case with each other (the exact conditional test of Mantel and Haenszel, 1959).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.behavior.episodes import Episode


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of episodes: with the trait and without it, ended well or not."""

    with_success: int
    with_failure: int
    without_success: int
    without_failure: int

    def __post_init__(self) -> None:
        if min(self.with_success, self.with_failure, self.without_success, self.without_failure) < 0:
            raise ValueError("Counts cannot be negative.")

    @property
    def n(self) -> int:
        return self.support + self.without_success + self.without_failure

    @property
    def support(self) -> int:
        """Episodes with the trait."""
        return self.with_success + self.with_failure

    @property
    def success_with(self) -> float:
        """Share of success among those with the trait; nan without any."""
        return self.with_success / self.support if self.support else math.nan

    @property
    def success_without(self) -> float:
        rest = self.n - self.support
        return self.without_success / rest if rest else math.nan

    @property
    def lift(self) -> float:
        """Success with the trait over success in general (Brin et al., 1997); nan where it is undefined."""
        overall = (self.with_success + self.without_success) / self.n if self.n else 0.0
        return self.success_with / overall if overall and self.support else math.nan

    @property
    def difference(self) -> float:
        return self.success_with - self.success_without


def tabulate(episodes: Sequence[Episode], having: Sequence[bool]) -> Table:
    """The counts; every episode must have a known end."""
    pairs = list(zip(having, (bool(episode.success) for episode in episodes), strict=True))
    return Table(
        pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)), pairs.count((False, False))
    )


def p_value(episodes: Sequence[Episode], having: Sequence[bool]) -> float:
    """Two-sided; nan where one side is empty or every episode ended alike: then there is nothing to test."""
    import numpy as np
    import scipy.stats

    table = tabulate(episodes, having)
    succeeded = table.with_success + table.without_success
    if table.support in (0, table.n) or succeeded in (0, table.n):
        return math.nan
    counts = np.array([[table.with_success, table.with_failure], [table.without_success, table.without_failure]])
    exact = float(scipy.stats.fisher_exact(counts).pvalue)
    if len({episode.case for episode in episodes}) == len(episodes):
        return min(1.0, exact)
    return min(1.0, max(exact, _clustered(episodes, having, table)))


def _clustered(episodes: Sequence[Episode], having: Sequence[bool], table: Table) -> float:
    """p-value of the difference in shares, clustered by case; 1 where no variance can be estimated."""
    import scipy.stats

    rest = table.n - table.support
    influence: defaultdict[str, float] = defaultdict(float)
    for episode, has in zip(episodes, having, strict=True):
        share, size = (table.success_with, table.support) if has else (table.success_without, -rest)
        influence[episode.case] += (float(bool(episode.success)) - share) / size
    cases = len(influence)
    if cases < 3:
        return 1.0
    correction = cases / (cases - 1) * (table.n - 1) / (table.n - 2)
    variance = correction * math.fsum(one * one for one in influence.values())
    if variance <= 0:
        return 1.0
    return float(2 * scipy.stats.t.sf(abs(table.difference) / math.sqrt(variance), cases - 1))


def within_p_value(episodes: Sequence[Episode], having: Sequence[bool]) -> float | None:
    """Two-sided p-value of the trait inside cases; None where no case has both a trait and an end that differ.

    Given the totals of each case, the number of successes with the trait is a sum of independent hypergeometric counts;
    all outcomes that are not likelier than the one found count, as in Fisher's test.
    """
    import numpy as np
    import scipy.stats

    cases: defaultdict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for episode, has in zip(episodes, having, strict=True):
        cases[episode.case].append((has, bool(episode.success)))
    likely, found = np.ones(1), 0
    for pairs in cases.values():
        n, having_it, succeeded = len(pairs), sum(has for has, _ in pairs), sum(good for _, good in pairs)
        if having_it in (0, n) or succeeded in (0, n):
            continue
        counts = np.arange(0, min(having_it, succeeded) + 1)
        likely = np.convolve(likely, scipy.stats.hypergeom.pmf(counts, n, succeeded, having_it))
        found += sum(has and good for has, good in pairs)
    if len(likely) == 1:
        return None
    return min(1.0, float(likely[likely <= likely[found] * (1 + 1e-7)].sum()))
