"""Numbers against scipy, closed forms and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy  # its parts load at their first use: every process of the suite imports this module

from experiments.stats.exact import rate_bounds
from experiments.stats.moments import ProportionCounts, SampleMoments, unlike_most
from experiments.stats.planning import units_for_means, units_for_proportions, units_until_decided, units_until_safe
from experiments.stats.sample_ratio import sample_ratio
from experiments.stats.sequence import (
    Difference,
    Interval,
    always_valid_p,
    confidence_sequence,
    difference_in_means,
    log_e_values,
    one_sided,
    tuning,
    units_short,
)
from learning.engines.multiplicity import holm

RNG = np.random.default_rng(20)
FIRST, SECOND = RNG.normal(3, 2, 400), RNG.normal(3.4, 5, 300)


def test_difference_and_error_are_welchs():
    difference = difference_in_means(SampleMoments.of(FIRST), SampleMoments.of(SECOND))
    welch = scipy.stats.ttest_ind(SECOND, FIRST, equal_var=False)
    assert difference.estimate / difference.standard_error == pytest.approx(welch.statistic, rel=1e-12)
    assert difference.estimate == pytest.approx(SECOND.mean() - FIRST.mean(), rel=1e-12)
    assert difference.units == 700


def test_moments_added_in_parts_equal_the_whole():
    parts = SampleMoments.empty()
    for part in np.array_split(FIRST * 1e-3 + 1e6, 7):
        parts += SampleMoments.of(part)
    whole = SampleMoments.of(FIRST * 1e-3 + 1e6)
    assert (parts.n, parts.mean) == (whole.n, pytest.approx(whole.mean, rel=1e-12))
    assert parts.m2 == pytest.approx(whole.m2, rel=1e-6)
    assert whole.variance == pytest.approx((FIRST * 1e-3).var(ddof=1), rel=1e-6)


def test_proportions_are_moments_of_noughts_and_ones():
    counts = ProportionCounts(40, 13)
    assert counts.moments().m2 == pytest.approx(SampleMoments.of([1] * 13 + [0] * 27).m2)
    assert ProportionCounts(10, 3) + ProportionCounts(30, 10) == counts
    assert math.isnan(ProportionCounts(0, 0).rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SampleMoments(-1, 0.0, 0.0),
        lambda: SampleMoments(0, 0.0, 0.0),
        lambda: SampleMoments(3, math.nan, 1.0),
        lambda: SampleMoments(3, 1.0, -1e-9),
        lambda: SampleMoments(1, 1.0, 2.0),
        lambda: SampleMoments.of([1.0, math.inf]),
        lambda: ProportionCounts(3, 4),
        lambda: ProportionCounts(3, -1),
        lambda: Difference(0.1, -1.0, 3),
        lambda: Interval(2.0, 1.0),
        lambda: always_valid_p(Difference(0.1, 0.1, 9), planned_units=10, alpha=0.05, previous=1.2),
        lambda: tuning(0, 0.05),
        lambda: holm([0.1, 1.1]),
        lambda: sample_ratio([1, 2], [0.5, 0.4]),
        lambda: sample_ratio([1, -2], [0.5, 0.5]),
        lambda: units_for_proportions(0.9, 0.2),
        lambda: units_for_means(0.0, 0.2),
        lambda: units_for_means(1.0, 0.0),
    ],
)
def test_impossible_numbers_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_tuning_is_the_published_constant():
    assert tuning(1000, 0.05) * 1000 == pytest.approx(8.212, abs=5e-4)


def test_tuning_makes_the_sequence_tightest_at_the_planned_units():
    def width(planned):
        interval = confidence_sequence(Difference(0, 1 / math.sqrt(500), 500), planned_units=planned, alpha=0.05)
        return interval.high - interval.low

    assert width(500) < min(width(300), width(450), width(560), width(900))


def test_the_e_value_is_a_normal_mixture():
    # the closed form equals the likelihood ratio integrated over effects ~ N(0, sigma^2 rho^2)
    n, rho2, z = 400, 0.02, 2.7
    effects = np.linspace(-8, 8, 200_001) * math.sqrt(rho2)
    ratio = np.exp(math.sqrt(n) * z * effects - n * effects**2 / 2) * scipy.stats.norm.pdf(
        effects, scale=math.sqrt(rho2)
    )
    integral = np.log(np.trapezoid(ratio, effects))
    assert float(log_e_values(z / math.sqrt(n), 1 / math.sqrt(n), n, rho2=rho2)) == pytest.approx(integral, rel=1e-6)


def test_the_p_value_and_the_sequence_agree_at_the_border():
    error, n = 0.05, 700
    half = confidence_sequence(Difference(0, error, n), planned_units=1000, alpha=0.05).high
    assert always_valid_p(Difference(half, error, n), planned_units=1000, alpha=0.05) == pytest.approx(0.05, rel=1e-9)
    assert always_valid_p(Difference(-half, error, n), planned_units=1000, alpha=0.05) == pytest.approx(0.05, rel=1e-9)


def test_the_p_value_never_rises():
    assert always_valid_p(Difference(0.0, 0.1, 500), planned_units=1000, alpha=0.05, previous=0.2) == 0.2
    assert always_valid_p(Difference(0.0, 0.1, 500), planned_units=1000, alpha=0.05) == 1.0


def test_a_one_sided_bound_is_closer_than_the_two_sided():
    difference = Difference(0.1, 0.05, 900)
    two = confidence_sequence(difference, planned_units=1000, alpha=0.05)
    one = one_sided(difference, planned_units=1000, alpha=0.05)
    assert two.low < one.low < difference.estimate < one.high < two.high


@pytest.mark.parametrize("samples", [([], []), ([1.0], [1.0, 2.0]), ([1.0, 1.0, 1.0], [2.0, 2.0])])
def test_nothing_is_inferred_from_nothing(samples):
    difference = difference_in_means(*(SampleMoments.of(sample) for sample in samples))
    interval = confidence_sequence(difference, planned_units=100, alpha=0.05)
    assert math.isnan(interval.low) and math.isnan(interval.high)
    assert always_valid_p(difference, planned_units=100, alpha=0.05, previous=0.7) == 0.7


def test_inference_waits_for_thirty_units_and_ten_of_each_outcome():
    assert units_short(29, None) == 1
    assert units_short(30, None) == 0
    assert units_short(500, unlike_most([1] * 491 + [0] * 9)) == 1
    assert units_short(500, unlike_most([1] * 490 + [0] * 10)) == 0
    assert unlike_most([]) == 0


def test_an_exact_bound_without_a_success_is_the_closed_form():
    # E(rate) = B(a, a + n) / B(a, a) / (1 - rate)^n = 1 / alpha, solved for the rate
    n, alpha = 400, 0.025
    evidence = scipy.special.betaln(0.5, 0.5 + n) - scipy.special.betaln(0.5, 0.5)
    bounds = rate_bounds(ProportionCounts(n, 0).moments(), alpha=alpha)
    assert bounds.low == 0
    assert bounds.high == pytest.approx(1 - math.exp((evidence + math.log(alpha)) / n), rel=1e-9)


def test_exact_bounds_are_symmetric_and_hold_the_rate():
    rare, common = (rate_bounds(ProportionCounts(90, s).moments(), alpha=0.05) for s in (7, 83))
    assert rare.low < 7 / 90 < rare.high
    assert (1 - common.high, 1 - common.low) == pytest.approx((rare.low, rare.high), rel=1e-6)
    assert rate_bounds(SampleMoments.empty(), alpha=0.05) == Interval(0.0, 1.0)
    with pytest.raises(ValueError):
        rate_bounds(SampleMoments(3, 1.5, 0.1), alpha=0.05)


def test_holm_is_the_textbooks():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_the_sample_ratio_evidence_is_a_dirichlet_multinomial_ratio():
    counts, shares = [60, 41, 7], [0.5, 0.4, 0.1]
    prior = 100 * np.array(shares)
    expected = scipy.stats.dirichlet_multinomial.logpmf(counts, prior, 108) - scipy.stats.multinomial.logpmf(
        counts, 108, shares
    )
    assert expected < 0
    assert sample_ratio(counts, shares).log_e == 0.0  # the highest so far, which starts at "no evidence"
    skewed = sample_ratio([650, 350], [0.5, 0.5])
    exact = scipy.special.betaln(50 + 650, 50 + 350) - scipy.special.betaln(50, 50) + 1000 * math.log(2)
    assert skewed.log_e == pytest.approx(exact, rel=1e-10)
    assert skewed.alarm


def test_a_sample_ratio_alarm_stays():
    assert sample_ratio([500, 500], [0.5, 0.5], highest=7.5).alarm
    assert not sample_ratio([500, 500], [0.5, 0.5]).alarm
    assert sample_ratio([520, 480], [0.5, 0.5]).fixed_p == pytest.approx(scipy.stats.chisquare([520, 480]).pvalue)
    assert math.isnan(sample_ratio([0, 0], [0.5, 0.5]).fixed_p)


def test_planned_units_are_the_textbooks():
    # Fleiss: 0.5 against 0.6, 80 % power, alpha 0.05 two-sided, unpooled and uncorrected: 385 an arm
    assert units_for_proportions(0.5, 0.1) == pytest.approx(770, abs=2)
    # Cohen's d 0.5: 63 an arm by the normal approximation
    assert units_for_means(1.0, 0.5) == pytest.approx(126, abs=1)
    assert units_for_means(1.0, 0.5, treatment_share=0.1) > 2 * units_for_means(1.0, 0.5)


def test_the_guess_of_units_is_where_the_sequence_leaves_zero():
    difference = Difference(0.03, 0.02, 1000)
    more = units_until_decided(difference, planned_units=3000, alpha=0.05)
    assert more > 0
    for extra, excluded in ((more + 1, True), (more - 2, False)):
        later = Difference(0.03, 0.02 * math.sqrt(1000 / (1000 + extra)), 1000 + extra)
        assert (confidence_sequence(later, planned_units=3000, alpha=0.05).low > 0) is excluded
    assert units_until_decided(Difference(0.03, 0.001, 1000), planned_units=3000, alpha=0.05) == 0
    assert units_until_decided(Difference(0.0, 0.02, 1000), planned_units=3000, alpha=0.05) is None


def test_a_guardrail_beyond_its_margin_is_never_said_to_become_safe():
    assert units_until_safe(Difference(-0.05, 0.02, 1000), margin=0.02, planned_units=3000, alpha=0.05) is None
    assert units_until_safe(Difference(-0.01, 0.02, 1000), margin=0.02, planned_units=3000, alpha=0.05) > 0
