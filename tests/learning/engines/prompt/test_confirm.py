"""The paired comparison, against hand-worked numbers, scipy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.engines.levels import confidence_of_reading
from learning.engines.prompt.confirm import (
    binary_difference,
    case_scores,
    compare,
    graded_difference,
    newcombe,
    test_score,
    wilson,
)
from learning.engines.prompt.evaluation import Answer
from learning.engines.prompt.results import Difference
from learning.engines.types import Example, Prompt, Split


def answers(scores: list[float], groups: list[str] | None = None) -> list[Answer]:
    groups = groups or [""] * len(scores)
    return [
        Answer(Example(f"e{n}", "x", "y", Split.TEST, group=group), "z", score)
        for n, (score, group) in enumerate(zip(scores, groups, strict=True))
    ]


def test_the_exact_mcnemar_p_is_the_one_worked_out_by_hand() -> None:
    before = np.array([1] * 10 + [0] * 9 + [1] * 1, float)
    after = np.array([1] * 10 + [1] * 9 + [0] * 1, float)
    found = binary_difference(before, after, 0.95)
    assert found.p_value == pytest.approx(2 * (1 + 10) / 2**10)
    assert found.mean == pytest.approx(8 / 20)


def test_newcombes_interval_agrees_with_published_figures() -> None:
    # Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8: airway
    # hyper-responsiveness before and after a transplantation, counts 1, 1, 7, 12; interval -0.507 to -0.026.
    low, high = newcombe(both=1, gained=1, lost=7, neither=12, confidence=0.95)
    assert (round(low, 3), round(high, 3)) == (-0.507, -0.026)


@pytest.mark.parametrize(("gain", "loss", "both"), [(0.0, 0.0, 0.5), (0.3, 0.1, 0.3), (0.8, 0.0, 0.0), (0.1, 0.1, 0.7)])
def test_newcombes_interval_covers_the_truth_as_often_as_it_says(gain: float, loss: float, both: float) -> None:
    rng = np.random.default_rng(7)
    trials, n = 600, 45
    counts = rng.multinomial(n, [both, gain, loss, 1 - both - gain - loss], size=trials)
    covered = 0
    for row in counts:
        low, high = newcombe(*map(int, row), confidence=0.95)
        covered += low - 1e-12 <= gain - loss <= high + 1e-12
    assert covered / trials >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / trials)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_every_table_gives_an_interval_around_its_difference(both: int, gained: int, lost: int, neither: int) -> None:
    n = both + gained + lost + neither
    if n == 0:
        return
    low, high = newcombe(both, gained, lost, neither, 0.95)
    assert -1 <= low <= (gained - lost) / n + 1e-9
    assert (gained - lost) / n - 1e-9 <= high <= 1
    mirrored = newcombe(both, lost, gained, neither, 0.95)
    assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]))


def test_a_plain_gain_in_graded_scores_can_be_claimed_at_the_level_of_a_late_reading() -> None:
    rng = np.random.default_rng(4)
    before = rng.uniform(0, 0.5, 40)
    found = graded_difference(before, before + rng.uniform(0.2, 0.4, 40), confidence_of_reading(30, 0.95), seed=1)
    assert found.is_gain and found.p_value < 1 - confidence_of_reading(30, 0.95) < 0.0002


def test_graded_scores_get_the_paired_t_interval_of_scipy() -> None:
    rng = np.random.default_rng(3)
    before = rng.uniform(0, 0.6, 40)
    after = np.clip(before + rng.normal(0.1, 0.1, 40), 0, 1)
    found = graded_difference(before, after, 0.95, seed=1)
    oracle = scipy.stats.ttest_rel(after, before)
    interval = oracle.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p_value < 0.001
    assert found.is_gain


def test_no_difference_at_all_is_no_gain() -> None:
    same = np.array([0.2, 0.4, 0.9] * 5)
    found = graded_difference(same, same, 0.95, seed=1)
    assert (found.mean, found.p_value, found.is_gain) == (0.0, 1.0, False)


def test_near_duplicates_count_as_one_case() -> None:
    groups = ["same"] * 9 + [""]
    before, after = answers([0.0] * 10, groups), answers([1.0] * 10, groups)
    found = compare(before, after, confidence=0.95, seed=1)
    assert found.n == 2
    assert not found.is_gain
    assert case_scores(answers([1.0, 0.0, 1.0], ["a", "a", ""])) == {"a": 0.5, "e2": 1.0}


def test_a_gain_needs_both_the_interval_and_the_test() -> None:
    assert Difference(0.1, 0.01, 0.2, 50, 0.03, 0.95, "m").is_gain
    assert not Difference(0.1, -0.01, 0.2, 50, 0.03, 0.95, "m").is_gain
    assert not Difference(0.1, 0.01, 0.2, 50, 0.06, 0.95, "m").is_gain
    assert not Difference(-0.1, -0.2, -0.01, 50, 0.001, 0.95, "m").is_gain


@pytest.mark.parametrize(
    ("mean", "low", "high", "n", "p"),
    [(0.5, 0.6, 0.7, 9, 0.1), (0.5, 0.4, 1.2, 9, 0.1), (0.5, 0.4, 0.6, 0, 0.1), (0.5, 0.4, 0.6, 9, 1.1)],
)
def test_an_impossible_difference_is_refused(mean: float, low: float, high: float, n: int, p: float) -> None:
    with pytest.raises(ValueError):
        Difference(mean, low, high, n, p, 0.95, "m")


def test_a_rate_has_wilsons_interval() -> None:
    score = test_score(Prompt(), answers([1.0] * 8 + [0.0] * 2), 0.95)
    assert score.mean == 0.8
    assert (score.low, score.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10, 0.95)[0] == 0
