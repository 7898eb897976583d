"""Tests that hold from the first unit on: canaries and rare rates."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from experiments.stats.canary import CanaryStep, canary_log_e, read_canary
from experiments.stats.exact import EDGE, _pair_evidence, difference_bounds, difference_p, log_evidence
from experiments.stats.moments import ProportionCounts, SampleMoments
from experiments.stats.sequence import difference_in_means, one_sided

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
    rates = np.linspace(1e-6, 0.11, 70)
    for first, second, bound in ((control, treatment, found.high), (treatment, control, -found.low)):
        evidence = _pair_evidence(first, second)
        gaps = [other - rate for rate in rates for other in rates if evidence(rate, other) <= -math.log(0.05)]
        assert bound == pytest.approx(max(gaps), abs=2e-3)
    empty = difference_bounds(SampleMoments.empty(), treatment, alpha=0.05)
    assert (empty.low, empty.high) == (-1, 1)


def test_no_pair_of_rates_is_expected_to_speak_against_itself():
    for rate, other in ((0.02, 0.1), (0.5, 0.5), (0.9, 0.35)):
        expected = sum(
            stats.binom.pmf(first, 9, rate)
            * stats.binom.pmf(second, 5, other)
            * math.exp(_pair_evidence(ProportionCounts(9, first).moments(), ProportionCounts(5, second).moments())(
                rate, other
            ))
            for first in range(10)
            for second in range(6)
        )  # fmt: skip
        assert expected == pytest.approx(1.0, rel=1e-6)


def test_the_evidence_holds_for_outcomes_between_nought_and_one():
    """A mean of 0.4 spread in any way between the ends: the mean of what one unit multiplies the capital by."""
    for outcomes, chances in (([0.0, 1.0], [0.6, 0.4]), ([0.4], [1.0]), ([0.1, 0.5, 1.0], [0.4, 0.4, 0.2])):
        mean = float(np.dot(outcomes, chances))
        expected = sum(
            chance * math.exp(_pair_evidence(SampleMoments(1, y, 0.0), SampleMoments(1, 0.0, 0.0))(mean, EDGE))
            for y, chance in zip(outcomes, chances, strict=True)
        )
        assert expected <= 1 + 1e-6


def test_equal_rare_rates_are_hardly_ever_told_apart():
    rng = np.random.default_rng(84)
    found = 0
    for rate in np.repeat([0.005, 0.03, 0.2], 10):
        ones = rng.random((2, 1200)) < rate
        found += any(
            difference_p(*(ProportionCounts(n, int(arm[:n].sum())).moments() for arm in ones)) <= 0.05
            for n in (40, 120, 400, 1200)
        )
    assert found <= 4  # of 30; at 5 % it is more in two of a hundred


def bound_of_one_look(n: int, events: int, alpha: float) -> float:
    """Miettinen and Nurminen's upper bound of the difference between two arms of n units with as many events each."""

    def score(gap: float) -> float:
        def unlikely(rate: float) -> float:
            return -sum(special.xlogy(events, p) + special.xlog1py(n - events, -p) for p in (rate, rate + gap))

        rate = optimize.minimize_scalar(
            unlikely, bounds=(0, 1 - gap), method="bounded", options={"xatol": 1e-10}
        ).x  # fmt: skip
        variance = (rate * (1 - rate) + (rate + gap) * (1 - rate - gap)) / n * 2 * n / (2 * n - 1)
        return gap / math.sqrt(variance)

    return optimize.brentq(lambda gap: score(gap) - stats.norm.isf(alpha), 1e-4, 0.9)


# docs/statistics.md: units and events of each arm, and by how much the second rate may exceed the first.
@pytest.mark.parametrize(("n", "events"), [(50, 0), (100, 0), (500, 0), (100, 2), (500, 5), (1000, 50)])
def test_what_exactness_at_any_time_costs_is_told(n, events):
    sample = ProportionCounts(n, events).moments()
    exact = difference_bounds(sample, sample, alpha=0.05).high
    once = bound_of_one_look(n, events, 0.05)
    sequence = one_sided(difference_in_means(sample, sample), planned_units=2 * n, alpha=0.05).high
    later = f"{sequence:.1%}" if events >= 10 else "-"
    told = f"| {n:,} | {events} | {exact:.1%} | {later} | {once:.1%} |".replace("%", " %")
    assert told in (Path(__file__).parents[3] / "docs" / "statistics.md").read_text()
    assert once < exact < 2.5 * once


@pytest.mark.parametrize(
    "make",
    [
        lambda: CanaryStep(-1, 0, 0.5),
        lambda: CanaryStep(1, 0, 1.0),
        lambda: log_evidence(SampleMoments(3, 2.0, 0.0), 0.5),
    ],
)
def test_impossible_events_are_refused(make):
    with pytest.raises(ValueError):
        make()
