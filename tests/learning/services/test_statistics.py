"""Shares and their intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.services.intervals import difference_interval, share, wilson_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (3, 5), (81, 263), (10_000, 10_000)])
def test_the_interval_is_wilsons(successes: int, trials: int) -> None:
    from scipy.stats import binomtest  # not by every process of the suite

    ours = wilson_interval(successes, trials)
    theirs = binomtest(successes, trials).proportion_ci(method="wilson")
    assert ours is not None
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    interval = wilson_interval(successes, trials)
    assert interval is not None
    assert 0 <= interval.low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= interval.high <= 1


def test_of_nothing_there_is_no_share_and_no_interval() -> None:
    assert share(0, 0) is None
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [  # R. G. Newcombe, Statistics in Medicine 17 (1998), table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    interval = difference_interval(now, before)
    assert interval is not None
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_difference_from_nothing_has_no_interval() -> None:
    assert difference_interval((1, 2), (0, 0)) is None
    assert difference_interval((0, 0), (1, 2)) is None
