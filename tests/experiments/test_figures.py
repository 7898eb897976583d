"""How the numbers of an experiment are told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from experiments.metrics import CATALOGUE
from experiments.models import Experiment, MetricResult
from experiments.pages.amounts import amount, plain, signed, span, value
from experiments.pages.figures import figures_of, progress_of, state_of
from experiments.services.analysis import analyse_experiment
from experiments.services.lifecycle import start_experiment
from experiments.services.results import Look, metric_results
from tests.experiments.audience import report, run_users


@pytest.mark.parametrize(
    ("number", "text"),
    [(8123.4, "8,123"), (41.23, "41.2"), (40.0, "40"), (4.314, "4.31"), (0.00123, "0.00123"), (0, "0"), (-1e-12, "0")],
)
def test_a_number_has_the_digits_that_mean_something(number: float, text: str) -> None:
    assert plain(number) == text


def test_amounts_of_every_kind_have_their_unit_and_nothing_is_minus_zero() -> None:
    assert value(CATALOGUE["rating"], 4.314) == "4.31 stars"
    assert value(CATALOGUE["cost"], 0.0012) == "0.0012"
    assert value(CATALOGUE["error_rate"], 0.0004) == "0.04 %"
    assert signed(CATALOGUE["rating"], 0.2) == "+0.2 stars"
    assert amount(CATALOGUE["error_rate"], -0.00001) == "0.0 points"
    assert span(CATALOGUE["latency"], -18.7, 90.9) == "-18.7 to +90.9 ms"
    assert span(CATALOGUE["cost"], -0.1, 0.2) == "-0.1 to +0.2"


def rows(experiment: Experiment) -> dict[str, MetricResult]:
    return {row.metric: row for row in metric_results(analyse_experiment(experiment=experiment))}


def test_a_guardrail_is_safe_when_the_verdict_goes_by_it(draft: Any) -> None:
    metrics = [
        {"name": "net_satisfaction", "role": "success"},
        {"name": "latency", "role": "guardrail", "margin": 100},
        {"name": "error_rate", "role": "guardrail", "margin": 0.5},
    ]
    experiment = start_experiment(experiment=draft(metrics=metrics, planned_units=200))

    def spent(arm: str, rng: Any) -> dict[str, Any]:
        return {"duration_ms": int(rng.normal(800, 40))}

    run_users(experiment, 200, {"control": 0.25, "treatment": 0.85}, more=spent)
    found = rows(experiment)
    assert state_of(found["net_satisfaction"], experiment) == ("better", "good")
    assert state_of(found["latency"], experiment) == ("proven safe", "good")
    assert state_of(found["error_rate"], experiment) == ("proven safe", "good")
    found["latency"].margin = 1
    assert state_of(found["latency"], experiment) == ("not proven safe", "warn")
    found["latency"].lift = 400
    assert state_of(found["latency"], experiment) == ("worse than allowed", "bad")


def test_a_lift_is_told_as_a_share_of_control_too(sign_in: Any, draft: Any) -> None:
    metrics = [{"name": "latency", "role": "success"}, {"name": "error_rate", "role": "guardrail", "exact": True}]
    experiment = start_experiment(experiment=draft(metrics=metrics))

    def spent(arm: str, rng: Any) -> dict[str, Any]:
        return {"duration_ms": int(rng.normal(500 if arm == "treatment" else 1000, 20))}

    run_users(experiment, 120, {}, more=spent)
    found = {name: figures_of(row, [], experiment=experiment) for name, row in rows(experiment).items()}
    assert re.fullmatch(r"-(49|50)\.\d %", found["latency"].relative)
    assert re.fullmatch(r"-\d\d\.\d to -\d\d\.\d %", found["latency"].relative_interval)
    assert found["error_rate"].exact and found["error_rate"].relative == ""
    shown = sign_in("member").get(f"/admin/learning/experiments/{experiment.pk}/").content.decode()
    assert found["latency"].relative_interval in shown and "exact bounds" in shown


def test_little_is_too_little_to_stand_anywhere(draft: Any) -> None:
    metrics = [
        {"name": "net_satisfaction", "role": "success"},
        {"name": "latency", "role": "guardrail", "margin": 100},
    ]
    experiment = start_experiment(experiment=draft(metrics=metrics))
    run_users(experiment, 20, {"control": 0.5, "treatment": 0.5})
    assert {state_of(row, experiment) for row in rows(experiment).values()} == {("too few yet", "")}


def test_a_guardrails_chart_has_its_margin_on_the_side_that_is_worse(draft: Any) -> None:
    metrics = [
        {"name": "net_satisfaction", "role": "success"},
        {"name": "error_rate", "role": "guardrail", "margin": 0.05},
        {"name": "satisfaction", "role": "guardrail", "margin": 0.02},
    ]
    experiment = start_experiment(experiment=draft(metrics=metrics))
    looks = [Look(60, 0.1, None, None)]
    limits = {name: figures_of(row, looks, experiment=experiment).limit for name, row in rows(experiment).items()}
    assert limits == {"net_satisfaction": None, "error_rate": 5, "satisfaction": -2}


def test_the_bar_goes_on_to_the_plan_once_the_minimum_is_reached(draft: Any) -> None:
    experiment = draft(minimum_units=100, planned_units=400)
    assert progress_of(experiment, 60, 0) == [("Users", 60, 100, "60 of at least 100, planned for 400")]
    assert progress_of(experiment, 120, 0)[0][2] == 400


def test_an_experiment_of_sessions_speaks_of_sessions_everywhere(sign_in: Any, draft: Any) -> None:
    experiment = start_experiment(experiment=draft(unit="session"))
    sent = [
        {"context": {"session_id": f"s{n}"}, "variant": variant.key, "config_id": variant.config_id}
        for n in range(40)
        for variant in [list(experiment.variants.all())[n % 2]]
    ]
    report(experiment.agent, sent)
    analyse_experiment(experiment=experiment)
    for name in ("", "report.html"):
        shown = sign_in("member").get(f"/admin/learning/experiments/{experiment.pk}/{name}").content.decode()
        main = shown.split("<main")[1].split("</main>")[0].replace("config_id", "")
        assert "session" in main
        assert "user" not in main.lower(), name
