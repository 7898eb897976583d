"""Sums stand for the units they were made of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.stats.moments import SampleMoments, unlike_most
from experiments.stats.sufficient import Stratum, Sums, pooled

RNG = np.random.default_rng(81)
ROWS = RNG.normal([3.0, 1e6, -2.0], [1.0, 5.0, 0.1], (400, 3))
ORIGIN = (3.0, 1e6, 0.0)


def same(left: Sums, right: Sums) -> bool:
    return left.n == right.n and np.allclose(left.scatter, right.scatter, rtol=1e-9, atol=1e-9)


def test_sums_give_the_means_and_the_scatter_of_their_units():
    sums = Sums.of(ROWS, ORIGIN)
    assert sums.means == pytest.approx(ROWS.mean(axis=0), rel=1e-14)
    assert sums.scatter / 399 == pytest.approx(np.cov(ROWS.T), rel=1e-9, abs=1e-12)


def test_parts_add_up_to_the_whole_and_can_be_taken_back():
    first, second = Sums.of(ROWS[:150], ORIGIN), Sums.of(ROWS[150:], ORIGIN)
    assert same(first + second, Sums.of(ROWS, ORIGIN))
    assert same(first + second - second, first)
    assert first - first == Sums.empty(ORIGIN)


def test_a_changed_outcome_replaces_the_old_one():
    changed = ROWS.copy()
    changed[7] = (9.0, 1e6, 1.0)
    sums = Sums.of(ROWS, ORIGIN) - Sums.of(ROWS[7:8], ORIGIN) + Sums.of(changed[7:8], ORIGIN)
    assert same(sums, Sums.of(changed, ORIGIN))


def test_taking_back_leaves_no_dust_in_outcomes_of_noughts_and_ones():
    outcomes = (RNG.random(2000) < 0.3).astype(float)
    sums = Sums.of(outcomes)
    for _ in range(50):
        sums = sums + Sums.of(outcomes) - Sums.of(outcomes)
    assert sums == Sums.of(outcomes)


def test_one_column_gives_the_same_moments_as_an_array():
    outcomes = np.array([0, 1, 1, -1, 0, 0, 1, 0.5])
    sums, moments = Sums.of(outcomes), SampleMoments.of(outcomes)
    assert (sums.moments.n, sums.moments.mean) == (moments.n, moments.mean)
    assert sums.moments.m2 == pytest.approx(moments.m2, rel=1e-14)
    assert sums.unlike == unlike_most(outcomes) == 5


def test_nothing_is_known_of_no_units():
    assert math.isnan(Sums.empty().means[0])
    assert Sums.empty().moments == SampleMoments.empty()
    assert Sums.of([], (0.0, 1.0)) == Sums.empty((0.0, 1.0))


def test_pooled_units_of_an_arm():
    strata = [
        Stratum({"a": 0.5, "b": 0.5}, {"a": Sums.of([1.0, 0.0]), "b": Sums.of([1.0])}),
        Stratum({"a": 0.9, "b": 0.1}, {"a": Sums.of([1.0])}),
    ]
    assert pooled(strata, "a") == Sums.of([1.0, 0.0, 1.0])
    assert pooled(strata, "c") == Sums.empty()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sums.of([math.nan]), "finite"),
        (lambda: Sums.of([[1.0, 2.0]]), "one value a column"),
        (lambda: Sums((0.0,), -1, (0.0,), (0.0,)), "fewer than zero"),
        (lambda: Sums((0.0,), 1, (0.0,), (0.0,), (1, 1, 0)), "fewer than zero"),
        (lambda: Sums((0.0,), 1, (0.0, 1.0), (0.0,)), "one origin and total"),
        (lambda: Sums((0.0,), 1, (math.inf,), (0.0,)), "finite"),
        (lambda: Sums.of([1.0]) + Sums.of([1.0], (1.0,)), "same origin"),
        (lambda: Sums.of([1.0]) - Sums.of([1.0, 1.0]), "fewer than zero"),
        (lambda: Sums.of([0.5, 0.4]) - Sums.of([7.0]), "never been added"),
        (lambda: Stratum({"a": 1.0}, {"b": Sums.empty()}), "logged propensity"),
        (lambda: Stratum({"a": 0.5, "b": 0.4}, {}), "sum to one"),
        (lambda: Stratum({"a": 0.0, "b": 1.0}, {}), "above zero"),
        (lambda: Stratum({"a": 0.5, "b": 0.5}, {"a": Sums.empty(), "b": Sums.empty((1.0, 2.0))}), "same columns"),
    ],
)
def test_impossible_sums_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
