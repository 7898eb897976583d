"""Scores from sums are scores from units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.stats.exact import difference_bounds, difference_p
from experiments.stats.moments import ProportionCounts
from experiments.stats.reading import Arm, read_metric, read_strata
from experiments.stats.relative import relative_interval, relative_lift, relative_sequence
from experiments.stats.sample_ratio import sample_ratio, sample_ratio_of_epochs
from experiments.stats.scores import Comparison, compare
from experiments.stats.sequence import confidence_sequence, difference_in_means
from experiments.stats.sufficient import Stratum, Sums
from experiments.stats.terms import Metric, Role

RNG = np.random.default_rng(82)
UNITS = 3000
HALF = {"c": 0.5, "t": 0.5}


def strata_of(rows: np.ndarray, treated: np.ndarray, stratum: np.ndarray, shares: np.ndarray) -> list[Stratum]:
    """One stratum a share of treatment; `stratum` numbers each unit's."""
    rows = rows.reshape(len(rows), -1)
    origin = (0.0,) * rows.shape[1]
    found = []
    for number, share in enumerate(shares):
        own = stratum == number
        arms = {"c": Sums.of(rows[own & ~treated], origin), "t": Sums.of(rows[own & treated], origin)}
        found.append(Stratum({"c": 1 - share, "t": share}, arms))
    return found


def one_stratum(rows: np.ndarray, treated: np.ndarray) -> list[Stratum]:
    return strata_of(rows, treated, np.zeros(len(rows), dtype=int), np.array([0.5]))


def test_many_small_strata_are_the_scores_with_logged_propensities():
    shares, stratum = RNG.uniform(0.2, 0.8, 200), RNG.integers(0, 200, UNITS)
    treated = RNG.random(UNITS) < shares[stratum]
    outcomes = RNG.normal(2, 1, UNITS) + 0.3 * treated
    p, mean = shares[stratum], {arm: outcomes[treated == arm].mean() for arm in (True, False)}
    scores = np.stack(
        [
            mean[False] + ~treated / (1 - p) * (outcomes - mean[False]),
            mean[True] + treated / p * (outcomes - mean[True]),
        ]
    )
    ours = compare(strata_of(outcomes, treated, stratum, shares), "c", "t")
    assert (ours.control, ours.treatment) == pytest.approx(scores.mean(axis=1), rel=1e-12)
    covariance = np.cov(scores) / UNITS
    expected = (covariance[0, 0], covariance[1, 1], covariance[0, 1])
    assert (ours.control_variance, ours.treatment_variance, ours.covariance) == pytest.approx(expected, rel=1e-9)


def test_large_strata_are_weighted_by_their_units():
    shares, stratum = np.array([0.1, 0.5]), np.repeat([0, 1], [1000, 2000])
    treated = RNG.random(UNITS) < shares[stratum]
    outcomes = RNG.normal(stratum, 1.0)  # later users are happier, and more of them are treated
    parts = strata_of(outcomes, treated, stratum, shares)
    gaps = [outcomes[treated & (stratum == s)].mean() - outcomes[~treated & (stratum == s)].mean() for s in (0, 1)]
    ours = compare(parts, "c", "t").difference
    assert ours.estimate == pytest.approx((gaps[0] + 2 * gaps[1]) / 3, rel=1e-12)
    raw = outcomes[treated].mean() - outcomes[~treated].mean()
    assert abs(ours.estimate) < 3 * ours.standard_error < raw


def test_a_third_arm_and_strata_without_the_pair_do_not_count():
    outcomes, treated = RNG.normal(size=400), RNG.random(400) < 0.5
    (pair,) = one_stratum(outcomes, treated)
    three = Stratum({"c": 0.3, "t": 0.3, "x": 0.4}, {**pair.arms, "x": Sums.of([9.0] * 50)})
    alone = Stratum({"x": 0.5, "c": 0.5}, {"c": Sums.of([5.0] * 50)})
    assert compare([three, alone], "c", "t") == compare([pair], "c", "t")


def test_a_covariate_takes_away_the_variance_that_it_explains():
    before, treated = RNG.normal(size=UNITS), RNG.random(UNITS) < 0.5
    outcomes = 0.8 * before + 0.6 * RNG.normal(size=UNITS)
    plain = compare(one_stratum(outcomes, treated), "c", "t").difference
    adjusted = compare(one_stratum(np.column_stack([outcomes, before]), treated), "c", "t").difference
    kept = (adjusted.standard_error / plain.standard_error) ** 2
    assert kept == pytest.approx(1 - np.corrcoef(outcomes, before)[0, 1] ** 2, rel=0.05)


def test_a_ratio_is_the_delta_method_and_a_covariate_narrows_it():
    sessions, treated = RNG.poisson(3, UNITS) + 1, RNG.random(UNITS) < 0.5
    taste = RNG.normal(size=UNITS)
    total = sessions * (4 + taste) + RNG.normal(size=UNITS)
    ours = compare(one_stratum(np.column_stack([total, sessions]), treated), "c", "t", ratio=True)
    for mask, value, variance in (
        (~treated, ours.control, ours.control_variance),
        (treated, ours.treatment, ours.treatment_variance),
    ):
        x, y = total[mask], sessions[mask]
        ratio, own = x.mean() / y.mean(), np.cov(x, y)
        delta = (own[0, 0] - 2 * ratio * own[0, 1] + ratio**2 * own[1, 1]) / y.mean() ** 2 / len(x)
        assert (value, variance) == pytest.approx((ratio, delta), rel=1e-9)
    narrowed = compare(one_stratum(np.column_stack([total, sessions, taste]), treated), "c", "t", ratio=True)
    assert narrowed.difference.standard_error < 0.7 * ours.difference.standard_error
    with pytest.raises(ValueError, match="denominator"):
        compare(one_stratum(total, treated), "c", "t", ratio=True)


def test_nothing_is_known_from_too_few_units():
    assert math.isnan(compare([], "c", "t").difference.estimate)
    lonely = compare([Stratum(HALF, {"c": Sums.of([1.0, 2.0]), "t": Sums.of([1.0])})], "c", "t")
    assert math.isnan(lonely.difference.estimate) and lonely.units == 3
    assert math.isnan(relative_lift(lonely)) and math.isnan(relative_interval(lonely, alpha=0.05).low)
    zero = compare([Stratum(HALF, {"c": Sums.of([[1.0, 0.0]] * 3, (0, 0)), "t": Sums.of([[1.0, 0.0]] * 3, (0, 0))})],
                   "c", "t", ratio=True)  # fmt: skip
    assert math.isnan(zero.difference.estimate)
    mixed = [Stratum(HALF, {"c": Sums.of([1.0])}), Stratum(HALF, {"c": Sums.of([[1.0, 2.0]], (0.0, 0.0))})]
    with pytest.raises(ValueError, match="same columns"):
        compare(mixed, "c", "t")


def test_the_relative_sequence_agrees_with_the_sequence_of_the_difference_about_zero():
    outcomes, treated = RNG.normal(5, 2, 800), RNG.random(800) < 0.5
    for gain in np.linspace(0, 1.2, 13):
        comparison = compare(one_stratum(outcomes + gain * treated, treated), "c", "t")
        absolute = confidence_sequence(comparison.difference, planned_units=1000, alpha=0.05)
        relative = relative_sequence(comparison, planned_units=1000, alpha=0.05)
        assert (absolute.low > 0) == (relative.low > 0)
        assert relative.low < relative_lift(comparison) < relative.high
    nought = Comparison(0.01, 0.5, 0.01, 0.01, 0.0, 100, 100)
    assert relative_sequence(nought, planned_units=200, alpha=0.05).high == math.inf
    assert relative_interval(nought, alpha=0.05).low == -math.inf


METRIC = Metric("satisfaction", Role.SUCCESS, True, rate=True)
OPTIONS = {"planned_units": 1000, "alpha": 0.05}


def rates(control: ProportionCounts, treatment: ProportionCounts) -> list[Stratum]:
    arms = {
        key: Sums.of([1.0] * counts.successes + [0.0] * counts.failures)
        for key, counts in (("c", control), ("t", treatment))
    }
    return [Stratum(HALF, arms)]


def test_a_reading_of_sums_is_the_reading_of_moments():
    control, treatment = ProportionCounts(400, 200), ProportionCounts(420, 260)
    old = read_metric(METRIC, "t", Arm(control.moments(), 200), Arm(treatment.moments(), 160), **OPTIONS)
    new = read_strata(METRIC, "t", rates(control, treatment), control="c", few_values=True, **OPTIONS)
    assert new.interval.low == pytest.approx(old.interval.low, rel=1e-9)
    assert (new.p, new.short) == (pytest.approx(old.p, rel=1e-9), old.short)
    assert (new.control.n, new.control.mean) == (400, pytest.approx(0.5))
    assert new.difference.estimate == pytest.approx(difference_in_means(old.control, old.treatment).estimate)


def test_rare_outcomes_wait_or_are_judged_exactly_when_that_was_asked_for():
    control, treatment = ProportionCounts(300, 3), ProportionCounts(300, 30)
    waiting = read_strata(METRIC, "t", rates(control, treatment), control="c", few_values=True, **OPTIONS)
    assert waiting.short == 7 and math.isnan(waiting.interval.low) and waiting.p == 1
    asked = Metric("reports", Role.SUCCESS, False, rate=True, exact=True)
    exact = read_strata(asked, "t", rates(control, treatment), control="c", few_values=True, **OPTIONS)
    assert exact.short == 0 and exact.interval.low > 0 and exact.p < 0.05
    assert exact.interval == difference_bounds(control.moments(), treatment.moments(), alpha=0.025)
    with pytest.raises(ValueError, match="rate"):
        Metric("latency", Role.SUCCESS, False, exact=True)


def test_an_arm_with_one_unit_shows_its_ratio_and_one_without_tasks_none():
    cost = Metric("cost per task", Role.SUCCESS, False, percent=False)
    for rows, shown in (([[6.0, 4.0]], 1.5), ([[6.0, 0.0]], math.nan)):
        strata = [Stratum(HALF, {"c": Sums.of(rows, (0, 0)), "t": Sums.of([[1.0, 2.0]] * 3, (0, 0))})]
        reading = read_strata(cost, "t", strata, control="c", few_values=False, ratio=True, **OPTIONS)
        assert reading.control.mean == pytest.approx(shown, nan_ok=True) and reading.treatment.mean == 0.5
        assert reading.short == 29 and math.isnan(reading.difference.estimate)


def test_bounds_that_pool_are_not_given_when_the_split_has_changed():
    before, after = rates(ProportionCounts(300, 3), ProportionCounts(300, 3)) * 2
    changed = [before, Stratum({"c": 0.9, "t": 0.1}, after.arms)]
    reading = read_strata(METRIC, "t", changed, control="c", few_values=True, **OPTIONS)
    assert math.isnan(reading.bounds(**OPTIONS).low) and reading.units_until_safe(**OPTIONS) is None
    kept = read_strata(METRIC, "t", [before, after], control="c", few_values=True, **OPTIONS)
    assert kept.bounds(**OPTIONS).low < 0 < kept.bounds(**OPTIONS).high


def test_the_exact_p_value_and_the_exact_bounds_agree():
    control, treatment = ProportionCounts(200, 2).moments(), ProportionCounts(180, 26).moments()
    p = difference_p(control, treatment)
    assert difference_bounds(control, treatment, alpha=p / 2).low == pytest.approx(0, abs=1e-9)
    assert p == pytest.approx(difference_p(treatment, control)) and p < 0.01
    assert difference_p(control, control) == 1


def test_the_evidence_about_shares_multiplies_over_the_steps_of_a_ramp():
    first, second = ([120, 900], [0.1, 0.9]), ([480, 530], [0.5, 0.5])
    both = sample_ratio_of_epochs([first, second])
    alone = [sample_ratio(*step, highest=-math.inf).log_e for step in (first, second)]
    assert both.log_e == pytest.approx(max(sum(alone), 0.0))
    assert not both.alarm
    wrong = sample_ratio_of_epochs([([600, 1430], [0.1, 0.9]), second])
    assert wrong.alarm and wrong.fixed_p < 1e-9
    pooled = [first[0][0] + second[0][0], first[0][1] + second[0][1]]
    assert sample_ratio(pooled, [0.5, 0.5]).alarm  # what pooling the steps would say
