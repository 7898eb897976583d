"""What is decided before the start: how many units, the shares of a bandit, the limits of long tails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.stats.bandit import probability_best, thompson_shares, top_two_shares, with_floor
from experiments.stats.planning import units_when_peeking
from experiments.stats.power import drift_for, power_curve
from experiments.stats.sequence import half_widths, tuning
from experiments.stats.winsor import upper_limit

RNG = np.random.default_rng(84)


def test_the_power_of_a_sequence_is_that_of_simulated_walks():
    looks, drift = 100, 3.2
    curve = power_curve(drift, until=1.5)
    share = 1.5 * np.arange(1, looks + 1) / looks
    steps = RNG.normal(drift * share[0], math.sqrt(share[0]), (20_000, looks))
    border = half_widths(1.0, share, rho2=tuning(1.0, 0.05), alpha=0.05) * np.sqrt(share)
    left = np.maximum.accumulate(np.abs(steps.cumsum(axis=1)) > border, axis=1).mean(axis=0)
    assert np.abs(curve.power - left).max() < 0.015
    assert curve.share == pytest.approx(share)


def test_without_an_effect_a_verdict_is_rarer_than_alpha():
    assert power_curve(0.0, until=5.0).power[-1] < 0.05
    assert np.isnan(power_curve(0.0).share_until(0.5))


def test_looking_all_the_time_costs_two_thirds_more_units_and_mostly_ends_earlier():
    planned = units_when_peeking(1000)
    assert planned == pytest.approx(1677, abs=5)
    curve = power_curve(drift_for(0.8))
    assert curve.at_plan == pytest.approx(0.8, abs=1e-6)
    assert 0.5 < curve.share_until(0.5) < 0.7


def test_the_best_arm_is_as_probable_as_drawn_beliefs_say():
    means, errors = np.array([0.5, 0.55, 0.52]), np.array([0.02, 0.04, 0.02])
    drawn = RNG.normal(means, errors, (200_000, 3)).argmax(axis=1)
    assert probability_best(means, errors) == pytest.approx(np.bincount(drawn) / 200_000, abs=0.005)
    two = probability_best([0.5, 0.53], [0.02, 0.02])
    assert two[1] == pytest.approx(stats.norm.cdf(0.03 / math.hypot(0.02, 0.02)), abs=1e-6)
    rows = probability_best(np.tile(means, (4, 1)), np.tile(errors, (4, 1)))
    assert rows[2] == pytest.approx(probability_best(means, errors))


def test_top_two_gives_the_strongest_rival_more_than_thompson():
    means, errors = [0.5, 0.6, 0.55], [0.02, 0.02, 0.02]
    thompson, two = thompson_shares(means, errors, floor=0.01), top_two_shares(means, errors, floor=0.01)
    assert thompson.sum() == pytest.approx(1) and two.sum() == pytest.approx(1)
    assert two[2] > 4 * thompson[2] and thompson[1] > 0.9 and two[1] == pytest.approx(0.5, abs=0.03)
    certain = top_two_shares([0.0, 1.0], [1e-9, 1e-9])
    assert certain.min() >= 0.05 and certain.sum() == pytest.approx(1)


def test_no_arm_falls_below_the_floor():
    assert thompson_shares([0.9, 0.1], [0.03, 0.03], floor=0.05) == pytest.approx([0.95, 0.05], abs=1e-6)
    assert top_two_shares([0.9, 0.1], [0.03, 0.03]) == pytest.approx([0.5, 0.5], abs=1e-6)  # the only rivals


def test_the_limit_of_a_long_tail_comes_from_the_past():
    past = RNG.lognormal(0, 1, 5000)
    limit = upper_limit(past, share=0.01)
    assert limit == pytest.approx(np.quantile(past, 0.99))
    assert (past > limit).mean() == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize(
    "make",
    [
        lambda: power_curve(math.nan),
        lambda: power_curve(1.0, alpha=0.0),
        lambda: drift_for(0.01),
        lambda: units_when_peeking(0),
        lambda: probability_best([0.1, 0.2], [0.0, 0.1]),
        lambda: with_floor(np.array([0.5, 0.5]), 0.6),
        lambda: upper_limit([1.0] * 99 + [2.0], share=0.02),
        lambda: upper_limit([1.0, 2.0] * 49, share=0.01),
        lambda: upper_limit([1.0, 2.0] * 100, share=0.5),
        lambda: upper_limit([1.0, math.nan] * 100, share=0.01),
    ],
)
def test_impossible_plans_are_refused(make):
    with pytest.raises(ValueError):
        make()
