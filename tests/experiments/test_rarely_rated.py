"""How many more users are missing is counted in users that take part, also where only few of them have an outcome."""

from __future__ import annotations

import re

import pytest

from experiments.stats.moments import SampleMoments
from experiments.stats.reading import Arm, Metric, Reading, read_metric
from experiments.stats.terms import Role
from experiments.stats.verdict import Progress, Rules, decide

ACCURACY = Metric("accuracy", Role.SUCCESS, higher_is_better=True, rate=True)
SATISFACTION = Metric("satisfaction", Role.SUCCESS, higher_is_better=True, rate=True)
ERRORS = Metric("error rate", Role.GUARDRAIL, higher_is_better=False, margin=0.01, rate=True)
RULES = Rules(planned_units=2000, minimum_units=1000, minimum_hours=168)


def read(metric: Metric, control: float, treatment: float, n: int = 1000) -> Reading:
    arms = [
        Arm(SampleMoments(n, rate, n * rate * (1 - rate)), round(n * min(rate, 1 - rate)))
        for rate in (control, treatment)
    ]
    return read_metric(metric, "treatment", *arms, planned_units=2000, alpha=0.05)


def progress(units: int) -> Progress:
    return Progress(units=units, hours=200, sample_ratio_alarm=False)


def test_where_every_tenth_user_is_rated_ten_times_as_many_users_are_missing() -> None:
    rating = read(ACCURACY, 0.60, 0.61)
    everybody, few = (decide([rating], progress(units), RULES) for units in (2000, 20_000))
    assert everybody.units_needed is not None and few.units_needed is not None
    assert few.units_needed == pytest.approx(10 * everybody.units_needed, rel=0.001)
    assert re.fullmatch(r"about [\d,]+ more users if the difference stays as it looks now", everybody.missing[0])
    words = f"about {few.units_needed:,} more users ({everybody.units_needed:,} of them with an outcome"
    assert words in few.missing[0]


def test_a_guardrail_that_few_have_an_outcome_of_asks_for_more_users_too() -> None:
    readings = [read(SATISFACTION, 0.60, 0.75), read(ERRORS, 0.02, 0.02)]
    everybody, few = (decide(readings, progress(units), RULES) for units in (2000, 8000))
    assert "not proven safe" in few.sentence
    assert everybody.units_needed is not None and few.units_needed == 4 * everybody.units_needed
    assert f"{everybody.units_needed:,} of them with an outcome" in few.missing[0]
