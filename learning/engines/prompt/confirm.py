"""Whether the winner is really better: paired on the test split, looked at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy  # its parts load at their first use: every process of the product imports this module

from learning.engines.prompt.evaluation import Answer
from learning.engines.prompt.results import Difference, TestScore
from learning.engines.types import Prompt

Scores = npt.NDArray[np.float64]
PERMUTATIONS, MOST_PERMUTATIONS = 9_999, 199_999
BATCH = 10_000  # permutations that are held in memory at once


def compare(before: Sequence[Answer], after: Sequence[Answer], *, confidence: float, seed: int) -> Difference:
    """The paired difference in score. Near-duplicates are averaged first: they are one case, not several."""
    old, new = case_scores(before), case_scores(after)
    if old.keys() != new.keys():
        raise ValueError("Both prompts must have answered the same cases.")
    left = np.array(list(old.values()))
    right = np.array([new[case] for case in old])
    if _is_binary(left) and _is_binary(right):
        return binary_difference(left, right, confidence)
    return graded_difference(left, right, confidence, seed)


def case_scores(answers: Sequence[Answer]) -> dict[str, float]:
    """Mean score of each independent case."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for answer in answers:
        scores[answer.example.case].append(answer.score)
    return {case: sum(values) / len(values) for case, values in scores.items()}


def binary_difference(before: Scores, after: Scores, confidence: float) -> Difference:
    """Exact McNemar test with Newcombe's interval for the difference of paired proportions.

    Source of the interval: Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10 (square-and-add
    of Wilson intervals with the correlation of the pairs).
    """
    n = len(before)
    both = int(np.sum((before == 1) & (after == 1)))
    gained = int(np.sum((before == 0) & (after == 1)))
    lost = int(np.sum((before == 1) & (after == 0)))
    p_value = 1.0 if gained + lost == 0 else float(scipy.stats.binomtest(gained, gained + lost, 0.5).pvalue)
    low, high = newcombe(both, gained, lost, n - both - gained - lost, confidence)
    mean = (gained - lost) / n
    return Difference(
        mean, min(low, mean), max(high, mean), n, p_value, confidence, "exact McNemar; Newcombe (1998) method 10"
    )


def newcombe(both: int, gained: int, lost: int, neither: int, confidence: float) -> tuple[float, float]:
    """Interval for (gained - lost) / n from the four counts of a paired yes/no comparison."""
    n = both + gained + lost + neither
    new, old = (both + gained) / n, (both + lost) / n
    new_low, new_high = wilson(both + gained, n, confidence)
    old_low, old_high = wilson(both + lost, n, confidence)
    correlation = _correlation(both, gained, lost, neither)
    below = _square_and_add(new - new_low, old_high - old, correlation)
    above = _square_and_add(old - old_low, new_high - new, correlation)
    difference = new - old
    return max(-1.0, difference - below), min(1.0, difference + above)


def graded_difference(before: Scores, after: Scores, confidence: float, seed: int) -> Difference:
    """Sign-flip permutation test of the mean paired difference with the paired t interval (scipy)."""
    differences = after - before
    mean, n = float(np.mean(differences)), len(differences)
    low, high = _t_interval(differences, confidence)
    test = scipy.stats.permutation_test(
        (differences,),
        _mean,
        permutation_type="samples",
        n_resamples=permutations_for(confidence),
        batch=BATCH,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return Difference(
        mean,
        max(-1.0, low),
        min(1.0, high),
        n,
        min(1.0, float(test.pvalue)),
        confidence,
        "sign-flip permutation; paired t interval",
    )


def permutations_for(confidence: float) -> int:
    """So many that the smallest p-value they can give lies well below the level, which later readings make small."""
    return min(MOST_PERMUTATIONS, max(PERMUTATIONS, math.ceil(20 / (1 - confidence))))


def test_score(prompt: Prompt, answers: Sequence[Answer], confidence: float) -> TestScore:
    """A prompt's own score: Wilson interval for right/wrong scores, t interval for graded ones."""
    scores = np.array(list(case_scores(answers).values()))
    mean, n = float(np.mean(scores)), len(scores)
    if _is_binary(scores):
        low, high = wilson(int(scores.sum()), n, confidence)
    else:
        low, high = _t_interval(scores, confidence)
    return TestScore(prompt, mean, max(0.0, min(low, mean)), min(1.0, max(high, mean)), n)


test_score.__test__ = False  # type: ignore[attr-defined]  # its name is a noun, not a test


def wilson(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval for a proportion (scipy)."""
    interval = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _is_binary(scores: Scores) -> bool:
    return bool(np.isin(scores, (0.0, 1.0)).all())


def _correlation(both: int, gained: int, lost: int, neither: int) -> float:
    """Correlation of the pairs with Newcombe's correction towards zero; zero where it is undefined."""
    n = both + gained + lost + neither
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if margins == 0:
        return 0.0
    product = both * neither - gained * lost
    corrected = max(product - n / 2, 0.0) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def _square_and_add(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def _t_interval(values: Scores, confidence: float) -> tuple[float, float]:
    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean
    interval = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
    return float(interval.low), float(interval.high)


def _mean(values: Scores, axis: int = -1) -> Scores:
    means: Scores = np.mean(values, axis=axis)
    return means
