"""From readings to a verdict."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.stats.moments import SampleMoments
from experiments.stats.reading import Arm, read_metric
from experiments.stats.terms import Metric, Role, Verdict
from experiments.stats.verdict import Progress, Rules, decide

RULES = Rules(planned_units=2000, minimum_units=1000, minimum_hours=168)
DONE = Progress(units=2000, hours=200, sample_ratio_alarm=False)
SATISFACTION = Metric("satisfaction", Role.SUCCESS, higher_is_better=True)
ERRORS = Metric("error rate", Role.GUARDRAIL, higher_is_better=False, margin=0.02, rate=True)
LATENCY = Metric("latency", Role.SUCCESS, higher_is_better=False, percent=False, unit="ms")


def rated(metric, control, treatment, *, n=1000, arm="treatment"):
    """A reading of two arms of n units with these rates."""
    arms = [
        Arm(SampleMoments(n, rate, n * rate * (1 - rate)), round(n * min(rate, 1 - rate)))
        for rate in (control, treatment)
    ]
    return read_metric(metric, arm, *arms, planned_units=2000, alpha=0.05)


def test_a_clear_gain_with_a_safe_guardrail_wins():
    decision = decide([rated(SATISFACTION, 0.60, 0.72), rated(ERRORS, 0.02, 0.02)], DONE, RULES)
    assert (decision.verdict, decision.winner) == (Verdict.TREATMENT, "treatment")
    assert decision.sentence == (
        "Treatment wins: satisfaction is 12.0 points higher (between 5.6 and 18.4 points), and no guardrail is hurt."
    )


def test_no_difference_is_inconclusive_and_says_between_what_it_lies():
    decision = decide([rated(SATISFACTION, 0.60, 0.61)], DONE, RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.units_needed > 10_000
    assert "between" in decision.sentence and "more users" in decision.missing[0]


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(units=400, hours=200, sample_ratio_alarm=False), "600 more users (the minimum is 1,000)"),
        (Progress(units=2000, hours=100.5, sample_ratio_alarm=False), "68 more hours (the minimum is 168)"),
    ],
)
def test_nobody_wins_before_the_minimum_users_and_hours(progress, words):
    decision = decide([rated(SATISFACTION, 0.60, 0.75)], progress, RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert words in decision.missing
    assert "Too early" in decision.sentence


def test_a_significant_loss_is_a_win_for_control():
    decision = decide([rated(SATISFACTION, 0.72, 0.60)], DONE, RULES)
    assert (decision.verdict, decision.winner) == (Verdict.CONTROL, None)


EARLY = Progress(units=400, hours=3, sample_ratio_alarm=False)


@pytest.mark.parametrize("progress", [EARLY, DONE], ids=["before the minimum", "after it"])
def test_a_guardrail_that_is_surely_broken_stops_it_for_harm_at_any_time(progress):
    readings = [rated(SATISFACTION, 0.60, 0.60, n=200), rated(ERRORS, 0.05, 0.30, n=200)]
    decision = decide(readings, progress, RULES)
    assert (decision.verdict, decision.winner) == (Verdict.STOPPED_FOR_HARM, None)
    assert decision.sentence.startswith("Stopped for harm: treatment is proven worse; error rate is 25.0 points higher")
    assert decision.sentence.endswith("and 2.0 points worse was allowed.")
    assert decision.verdict.winner == "control"


def test_what_should_get_better_and_is_proven_worse_stops_it_before_the_minimum_alone():
    worse = rated(SATISFACTION, 0.80, 0.50, n=200)
    assert decide([worse], EARLY, RULES).verdict is Verdict.STOPPED_FOR_HARM
    assert decide([worse], DONE, RULES).verdict is Verdict.CONTROL


def test_an_aa_is_before_nobody_and_does_no_harm():
    rules = Rules(planned_units=2000, minimum_units=1000, minimum_hours=168, serves=False)
    assert decide([rated(SATISFACTION, 0.80, 0.50, n=200)], EARLY, rules).verdict is Verdict.CONTROL


def test_a_harmful_treatment_beside_a_good_one_is_named_and_ends_nothing():
    readings = [rated(SATISFACTION, 0.6, 0.62, arm="a"), rated(SATISFACTION, 0.6, 0.4, arm="b")]
    for progress in (EARLY, DONE):
        decision = decide(readings, progress, RULES)
        assert decision.verdict is Verdict.INCONCLUSIVE
        assert "an experiment without b, which is proven worse: stop this one and start another" in decision.missing


def test_lower_is_better_where_the_metric_says_so():
    fast, slow = SampleMoments(1000, 300.0, 1e6), SampleMoments(1000, 400.0, 1e6)
    better = read_metric(LATENCY, "treatment", Arm(slow), Arm(fast), planned_units=2000, alpha=0.05)
    worse = read_metric(LATENCY, "treatment", Arm(fast), Arm(slow), planned_units=2000, alpha=0.05)
    assert decide([better], DONE, RULES).verdict is Verdict.TREATMENT
    assert "100 ms lower" in decide([better], DONE, RULES).sentence
    assert decide([worse], DONE, RULES).verdict is Verdict.CONTROL


def test_a_gain_with_an_unproven_guardrail_does_not_ship():
    decision = decide([rated(SATISFACTION, 0.60, 0.72), rated(ERRORS, 0.10, 0.11)], DONE, RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "not proven safe" in decision.sentence
    assert decision.units_needed > 0


def test_a_guardrail_may_get_worse_within_its_margin():
    decision = decide([rated(SATISFACTION, 0.60, 0.72, n=8000), rated(ERRORS, 0.050, 0.055, n=8000)], DONE, RULES)
    assert decision.verdict is Verdict.TREATMENT


def test_a_guardrail_that_hardly_ever_fires_is_judged_exactly():
    wins, silent = rated(SATISFACTION, 0.60, 0.72), rated(ERRORS, 0.0, 0.0)
    assert silent.short > 0
    assert decide([wins, silent], DONE, RULES).verdict is Verdict.TREATMENT
    few = decide([rated(SATISFACTION, 0.5, 0.9, n=200), rated(ERRORS, 0.0, 0.0, n=200)], DONE, RULES)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert 400 < few.units_needed < 5000  # every fifth of the 2000 users has an outcome
    enough = 200 + few.units_needed // 2 + 1
    later = decide([rated(SATISFACTION, 0.5, 0.9, n=enough), rated(ERRORS, 0.0, 0.0, n=enough)], DONE, RULES)
    assert later.verdict is Verdict.TREATMENT


def test_a_few_failures_are_proof_enough_when_there_were_none_before():
    decision = decide([rated(SATISFACTION, 0.60, 0.60, n=200), rated(ERRORS, 0.0, 0.15, n=200)], EARLY, RULES)
    assert decision.verdict is Verdict.STOPPED_FOR_HARM


def test_a_broken_split_blocks_every_verdict():
    broken = Progress(units=2000, hours=200, sample_ratio_alarm=True)
    decision = decide([rated(SATISFACTION, 0.60, 0.72)], broken, RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "shares" in decision.sentence


def test_several_success_metrics_must_pass_holm():
    alone = rated(SATISFACTION, 0.60, 0.668)
    assert 0.025 < alone.p < 0.05
    assert decide([alone], DONE, RULES).verdict is Verdict.TREATMENT
    second = rated(Metric("accuracy", Role.SUCCESS, higher_is_better=True), 0.60, 0.60)
    assert decide([alone, second], DONE, RULES).verdict is Verdict.INCONCLUSIVE


def test_of_several_arms_the_clearest_wins_and_a_harmful_one_is_out():
    readings = [
        rated(SATISFACTION, 0.60, 0.72, arm="a"),
        rated(SATISFACTION, 0.60, 0.76, arm="b"),
        rated(SATISFACTION, 0.6, 0.4, arm="c"),
    ]
    assert decide(readings, DONE, RULES).winner == "b"
    harmful = [*readings, rated(ERRORS, 0.05, 0.25, arm="b")]
    assert decide(harmful, DONE, RULES).winner == "a"


def test_small_samples_and_rare_outcomes_are_not_read():
    few = rated(SATISFACTION, 0.2, 0.9, n=29)
    assert few.short > 0 and few.p == 1.0 and math.isnan(few.interval.low)
    rare = rated(SATISFACTION, 0.001, 0.05, n=1000)
    assert rare.short == 9 and rare.p == 1.0
    decision = decide([few], Progress(58, 200, False), RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert any("telling outcome" in line for line in decision.missing)


def test_a_stored_p_value_survives_a_weaker_look():
    arms = [Arm(SampleMoments.of(np.tile([0, 1], 50)), 50)] * 2
    assert read_metric(SATISFACTION, "treatment", *arms, planned_units=200, alpha=0.05, previous_p=0.03).p == 0.03


def test_what_was_significant_once_and_no_longer_is_does_not_win():
    arms = [Arm(SampleMoments(1000, rate, 1000 * rate * (1 - rate)), 390) for rate in (0.60, 0.61)]
    for lower, higher in (arms, arms[::-1]):
        faded = read_metric(SATISFACTION, "treatment", lower, higher, planned_units=2000, alpha=0.05, previous_p=0.001)
        assert faded.p == 0.001
        assert decide([faded], DONE, RULES).verdict is Verdict.INCONCLUSIVE


def test_too_many_users_in_several_arms_block_every_verdict():
    crossed = Progress(units=2000, hours=200, sample_ratio_alarm=False, crossed_alarm=True)
    decision = decide([rated(SATISFACTION, 0.60, 0.72)], crossed, RULES)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "several arms" in decision.sentence


def test_the_loosest_alpha_that_can_be_asked_for_gives_a_verdict():
    rules = Rules(planned_units=2000, minimum_units=1000, minimum_hours=168, alpha=0.5)
    assert decide([rated(SATISFACTION, 0.60, 0.72), rated(ERRORS, 0.10, 0.11)], DONE, rules).sentence


def test_a_verdict_needs_a_success_metric():
    with pytest.raises(ValueError):
        decide([rated(ERRORS, 0.1, 0.1)], DONE, RULES)


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_an_impossible_margin_is_refused(margin):
    with pytest.raises(ValueError):
        Metric("errors", Role.GUARDRAIL, higher_is_better=False, margin=margin)


@pytest.mark.parametrize(
    ("progress", "readings"),
    [
        (Progress(400, 3, False), [rated(SATISFACTION, 0.6, 0.6, n=20)]),
        (Progress(2000, 200, True), [rated(SATISFACTION, 0.6, 0.6)]),
        (Progress(2000, 200, False, crossed_alarm=True), [rated(SATISFACTION, 0.6, 0.6)]),
        (DONE, [rated(SATISFACTION, 0.60, 0.61)]),
        (DONE, [rated(SATISFACTION, 0.60, 0.72), rated(ERRORS, 0.10, 0.11)]),
    ],
)
def test_the_verdict_speaks_of_what_was_assigned(progress, readings):
    decision = decide(readings, progress, Rules(2000, 1000, 168, unit="session"))
    told = " ".join([decision.sentence, *decision.missing])
    assert "session" in told and "user" not in told
