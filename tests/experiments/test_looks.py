"""What the charts of an experiment are drawn of."""

from __future__ import annotations

import pytest

from experiments.models import Analysis, Experiment, MetricResult, Variant
from experiments.services.results import MOST_LOOKS, Look, looks_over_time


@pytest.fixture
def treatment(experiment: Experiment) -> Variant:
    return experiment.variants.get(key="treatment")


def look(treatment: Variant, units: list[int], rated: list[int] | None = None) -> None:
    """As many looks, one after the other; the lift is the number of the look."""
    experiment = treatment.experiment
    first = experiment.analyses.count() + 1
    analyses = [
        Analysis(
            experiment=experiment,
            number=first + place,
            units={"control": 0, "treatment": number},
            quality={"rated": {"units": {"treatment": (rated or units)[place]}}},
        )
        for place, number in enumerate(units)
    ]
    Analysis.objects.bulk_create(analyses)
    MetricResult.objects.bulk_create(
        MetricResult(
            analysis=one, variant=treatment, metric="satisfaction", role="success", control_n=0, lift=one.number,
            treatment_n=one.quality["rated"]["units"]["treatment"],
        )
        for one in analyses
    )  # fmt: skip


def looks_at(treatment: Variant) -> list[Look]:
    return looks_over_time(treatment.experiment)["treatment", "satisfaction"]


def test_of_looks_at_the_same_units_the_last_is_drawn(treatment: Variant) -> None:
    look(treatment, [10, 10, 10, 20, 30, 30])
    assert [(one.units, one.lift) for one in looks_at(treatment)] == [(10, 3), (20, 4), (30, 6)]


def test_ratings_that_come_later_are_drawn_where_no_unit_was_new(treatment: Variant) -> None:
    look(treatment, [10, 10, 10], rated=[2, 5, 5])
    assert [(one.units, one.lift) for one in looks_at(treatment)] == [(2, 1), (5, 3)]


def test_a_line_does_not_turn_back_where_units_are_forgotten(treatment: Variant) -> None:
    look(treatment, [10, 20, 30, 20, 25])
    assert [(one.units, one.lift) for one in looks_at(treatment)] == [(10, 1), (20, 4), (25, 5)]


def test_quiet_days_take_no_place_from_those_when_something_came(treatment: Variant) -> None:
    busy = list(range(1, MOST_LOOKS // 2 + 1))
    look(treatment, [*busy, *[busy[-1]] * 500])
    assert [one.units for one in looks_at(treatment)] == busy
    look(treatment, list(range(100, 300)))
    shown = [one.units for one in looks_at(treatment)]
    assert len(shown) <= MOST_LOOKS and shown[-1] == 299


def test_an_experiment_that_nobody_looked_at_has_no_looks(experiment: Experiment) -> None:
    assert looks_over_time(experiment) == {}
