"""What the report of an experiment tells beside the verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.models import Analysis, Experiment, MetricResult, UnitOutcome, Variant
from experiments.services.analysis import analyse_experiment
from experiments.services.bandits import update_weights
from experiments.services.lifecycle import start_experiment
from experiments.services.report import report_of
from experiments.services.results import results_of
from tests.experiments.audience import run_users


def metrics_of(experiment: Experiment) -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in report_of(experiment)["metrics"]}


def test_the_usual_test_stands_beside_the_sequence_and_is_welchs(experiment: Experiment) -> None:
    run_users(experiment, 150, {"control": 0.5, "treatment": 0.7})
    analyse_experiment(experiment=experiment)
    row = metrics_of(experiment)["net_satisfaction"]
    arms = [
        [unit.values[0] for unit in UnitOutcome.objects.filter(arm=variant.position)]
        for variant in Variant.objects.order_by("position")
    ]
    theirs = stats.ttest_ind(arms[1], arms[0], equal_var=False)
    assert row["fixed_horizon"]["test"] == "Welch"
    assert row["fixed_horizon"]["p"] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert row["low"] < row["fixed_horizon"]["low"] < row["lift"] < row["fixed_horizon"]["high"] < row["high"]


def test_the_lift_is_also_told_as_a_share_of_controls_mean(api: Any, experiment: Experiment) -> None:
    run_users(experiment, 400, {"control": 0.8, "treatment": 0.9})
    analyse_experiment(experiment=experiment)
    row = metrics_of(experiment)["net_satisfaction"]
    relative, once = row["relative"], row["fixed_horizon"]
    assert relative["lift"] == pytest.approx(row["treatment"]["mean"] / row["control"]["mean"] - 1)
    assert relative["low"] < once["relative_low"] < relative["lift"] < once["relative_high"] < relative["high"]
    told = api.get(f"/api/learning/experiments/{experiment.pk}/results").json()["metrics"][0]
    assert [told[f"relative_{end}"] for end in ("lift", "low", "high")] == list(relative.values())


def test_a_share_of_what_is_not_above_nothing_is_not_told(experiment: Experiment) -> None:
    run_users(experiment, 150, {"control": 0.2, "treatment": 0.8})
    analyse_experiment(experiment=experiment)
    row = metrics_of(experiment)["net_satisfaction"]
    assert row["control"]["mean"] < 0 and set(row["relative"].values()) == {None}
    assert row["fixed_horizon"]["relative_low"] is None


def test_the_arms_of_a_rate_have_bounds_of_their_own(experiment: Experiment) -> None:
    run_users(experiment, 100, {"control": 0.5, "treatment": 0.5})
    analyse_experiment(experiment=experiment)
    rows = metrics_of(experiment)
    errors = rows["error_rate"]["treatment"]
    assert (errors["mean"], errors["low"]) == (0, 0) and 0 < errors["high"] < 0.2
    assert "low" not in rows["net_satisfaction"]["treatment"], "it is no rate"


def test_the_bounds_of_a_rate_are_those_of_its_share_whatever_its_units_past_makes_of_the_mean(
    experiment: Experiment,
) -> None:
    run_users(experiment, 100, {"control": 0.5, "treatment": 0.5})
    analyse_experiment(experiment=experiment)
    look = Analysis.objects.create(experiment=experiment, number=2)
    MetricResult.objects.create(
        analysis=look, variant=experiment.variants.get(key="treatment"), metric="error_rate", role="guardrail",
        control_n=50, control_mean=0.01, control_m2=1, treatment_n=50, treatment_mean=-0.004, treatment_m2=1,
    )  # fmt: skip
    errors = metrics_of(experiment)["error_rate"]["treatment"]
    assert (errors["mean"], errors["low"]) == (-0.004, 0) and 0 < errors["high"] < 0.2


def test_a_bandits_means_are_compared_by_z_with_what_they_share(draft: Any) -> None:
    bandit = start_experiment(experiment=draft(kind="bandit"))
    update_weights(experiment=bandit, shares={"control": 1, "treatment": 3})
    look = Analysis.objects.create(experiment=bandit, number=1)
    MetricResult.objects.create(
        analysis=look, variant=bandit.variants.get(key="treatment"), metric="satisfaction", role="success", lift=0.1,
        control_n=100, control_mean=0.5, control_m2=25, treatment_n=100, treatment_mean=0.6, treatment_m2=24,
        standard_error=0.05,
    )  # fmt: skip
    row = metrics_of(bandit)["satisfaction"]
    assert row["fixed_horizon"]["test"] == "z"
    assert row["fixed_horizon"]["p"] == pytest.approx(2 * stats.norm.sf(0.1 / 0.05))
    assert row["fixed_horizon"]["low"] == pytest.approx(0.1 - stats.norm.isf(0.025) * 0.05)
    assert "low" not in row["control"], "its users had different shares"


def test_the_significance_is_that_of_the_verdict_where_several_metrics_could_win(experiment: Experiment) -> None:
    look, arm = Analysis.objects.create(experiment=experiment, number=1), experiment.variants.get(key="treatment")
    for metric, role, p in (
        ("rating", "success", 0.03),
        ("satisfaction", "success", 0.5),
        ("cost", "guardrail", 0.001),
    ):
        MetricResult.objects.create(
            analysis=look, variant=arm, metric=metric, role=role, control_n=0, control_m2=0, treatment_n=0,
            treatment_m2=0, p=p,
        )  # fmt: skip
    assert results_of(experiment)["statistical_significance"] == pytest.approx(0.06)


def test_before_there_is_anything_to_compare_nothing_is_told(experiment: Experiment) -> None:
    assert report_of(experiment)["metrics"] == []
    analyse_experiment(experiment=experiment)
    row = metrics_of(experiment)["error_rate"]
    assert (row["fixed_horizon"], row["control"]) == (None, {"n": 0, "mean": None})
    assert np.all([value is None for value in row["relative"].values()])
