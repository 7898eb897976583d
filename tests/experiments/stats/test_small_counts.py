"""Tests that hold from the first unit on: canary, blocks of two by two, bets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from experiments.stats.betting import Gambler
from experiments.stats.canary import CanaryStep, canary_log_e, read_canary
from experiments.stats.exact import difference_bounds, log_evidence
from experiments.stats.moments import ProportionCounts, SampleMoments
from experiments.stats.two_by_two import SafeTest

RNG = np.random.default_rng(83)


def test_the_evidence_of_a_canary_is_the_likelihood_ratio_mixed_over_larger_shares():
    step = CanaryStep(6, 9, 0.1)
    ratio = integrate.quad(lambda share: (share / 0.1) ** 6 * ((1 - share) / 0.9) ** 9, 0.1, 1)[0] / 0.9
    assert canary_log_e([step]) == pytest.approx(math.log((ratio + 1) / 2), rel=1e-9)


def test_a_canary_is_rolled_back_after_a_few_bad_events_and_the_alarm_stays():
    assert not read_canary([CanaryStep(2, 40, 0.05)]).roll_back
    found = read_canary([CanaryStep(5, 3, 0.05)])
    assert found.roll_back and found.reason == "5 of 8 bad events came from the canary."
    assert read_canary([CanaryStep(5, 400, 0.05)], highest=found.log_e).roll_back
    assert read_canary([]).log_e == 0


def test_a_good_first_step_does_not_hide_a_bad_second_one():
    good, bad = CanaryStep(0, 300, 0.05), CanaryStep(12, 20, 0.1)
    assert canary_log_e([good, bad]) > canary_log_e([bad]) - math.log(7)
    assert read_canary([good, bad]).roll_back


def test_so_many_violations_of_safety_end_a_canary_at_once():
    assert not read_canary([CanaryStep(2, 100, 0.5)], most_events=3).roll_back
    ended = read_canary([CanaryStep(1, 50, 0.5), CanaryStep(2, 50, 0.5)], most_events=3)
    assert ended.roll_back and "3 end it" in ended.reason


def test_the_evidence_against_a_share_is_the_published_closed_form():
    wins, losses, share = 9, 2, 0.5
    ours = log_evidence(ProportionCounts(11, 9).moments(), share)
    form = special.betaln(0.5 + wins, 0.5 + losses) - special.betaln(0.5, 0.5) - 11 * math.log(0.5)
    assert ours == pytest.approx(form, rel=1e-12)
    assert log_evidence(SampleMoments.empty(), 0.5) == 0


def test_bounds_of_a_difference_hold_what_both_arms_may_be():
    control, treatment = ProportionCounts(300, 3).moments(), ProportionCounts(250, 9).moments()
    found = difference_bounds(control, treatment, alpha=0.05)
    pairs = np.linspace(1e-5, 0.2, 400)
    first = np.array([log_evidence(control, rate) for rate in pairs])
    second = np.array([log_evidence(treatment, rate) for rate in pairs])
    allowed = np.argwhere(first[:, None] + second[None] <= -math.log(0.05))
    gaps = pairs[allowed[:, 1]] - pairs[allowed[:, 0]]
    assert (found.low, found.high) == (pytest.approx(gaps.min(), abs=2e-3), pytest.approx(gaps.max(), abs=2e-3))
    empty = difference_bounds(SampleMoments.empty(), treatment, alpha=0.05)
    assert (empty.low, empty.high) == (-1, 1)


def test_a_block_of_two_by_two_has_an_expected_evidence_of_one_at_the_most():
    start = SafeTest().after(ProportionCounts(20, 3), ProportionCounts(20, 9))
    for rate in (0.02, 0.2, 0.37, 0.6, 0.95):
        expected = 0.0
        for first in range(9):
            for second in range(5):
                after = start.after(ProportionCounts(8, first), ProportionCounts(4, second))
                chance = stats.binom.pmf(first, 8, rate) * stats.binom.pmf(second, 4, rate)
                expected += chance * math.exp(after.log_e - start.log_e)
        assert expected <= 1 + 1e-9
    assert start.log_e == pytest.approx(0, abs=1e-12)  # the first block has nothing to expect yet


def test_blocks_find_a_difference_and_a_block_of_one_arm_says_nothing():
    found = SafeTest()
    for _ in range(10):
        found = found.after(ProportionCounts(20, 1), ProportionCounts(20, 6))
    assert found.p < 0.01
    more = found.after(ProportionCounts(5, 5), ProportionCounts(0, 0))
    assert more.log_e == found.log_e and more.control.n == 205


def test_a_bet_is_fair_whatever_the_mean_and_the_propensity():
    start = Gambler().after(RNG.random(50), RNG.random(50) < 0.4, 0.4)
    for mean in (0.1, 0.8):
        for share in (0.1, 0.5):
            outcomes = ((1.0, mean), (0.0, 1 - mean))
            arms = ((1.0, share), (0.0, 1 - share))
            expected = sum(
                chance * part * math.exp(start.after([y], [a], [share]).log_e - start.log_e)
                for y, chance in outcomes
                for a, part in arms
            )
            assert expected == pytest.approx(1.0, rel=1e-9)


def test_bets_in_parts_are_bets_at_once_and_find_a_difference():
    treated = RNG.random(2000) < 0.5
    outcomes = np.clip(RNG.normal(0.5 + 0.15 * treated, 0.2), 0, 1)
    once, parts = Gambler().after(outcomes, treated, 0.5), Gambler()
    for part in np.array_split(np.arange(2000), 13):
        parts = parts.after(outcomes[part], treated[part], 0.5)
    assert parts.log_e == pytest.approx(once.log_e, rel=1e-9)
    assert once.p < 1e-6
    assert Gambler().after([], [], 0.5) == Gambler()


@pytest.mark.parametrize(
    "make",
    [
        lambda: CanaryStep(-1, 0, 0.5),
        lambda: CanaryStep(1, 0, 1.0),
        lambda: Gambler().after([1.5], [1], 0.5),
        lambda: Gambler().after([0.5], [1], 1.0),
        lambda: Gambler().after([0.5, 0.4], [1], 0.5),
        lambda: log_evidence(SampleMoments(3, 2.0, 0.0), 0.5),
    ],
)
def test_impossible_events_are_refused(make):
    with pytest.raises(ValueError):
        make()
