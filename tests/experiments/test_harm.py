"""What is proven to do harm ends by itself."""

from __future__ import annotations

from typing import Any

import pytest

from experiments import tasks
from experiments.models import Analysis, Experiment, ExperimentStatus
from experiments.services.assignment import config_for_user
from experiments.services.lifecycle import look_again, pause_experiment, start_experiment, stop_if_harmful
from experiments.services.report import report_of
from experiments.services.standing import create_aa
from learning.models import Agent
from organizations.models import AuditEvent
from organizations.scope import organization_scope
from tests.experiments.audience import run_users

SAME = {"control": 0.6, "treatment": 0.6}


def failing(arm: str, rng: Any) -> dict[str, Any]:
    return {"status": "failed" if arm == "treatment" and rng.random() < 0.5 else "completed"}


def test_the_next_look_stops_a_treatment_that_breaks_a_guardrail(api: Any, agent: Agent, draft: Any) -> None:
    experiment = start_experiment(experiment=draft(minimum_units=1000, minimum_hours=168))
    run_users(experiment, 120, SAME, more=failing)
    tasks._analyse_those_of(experiment.organization_id)
    with organization_scope(experiment.organization_id):
        experiment.refresh_from_db()
        analysis = Analysis.objects.get()
        assert (experiment.status, analysis.verdict) == ("stopped", "stopped_for_harm")
        assert config_for_user(agent=agent, user_id="user-1").variant == ""
        told = AuditEvent.objects.get(action="experiment.stop_reason", target_id=str(experiment.pk))
        assert told.after == {"reason": analysis.sentence}
        report = report_of(experiment)
    assert (report["experiment"]["status"], report["result"]["verdict"]) == ("stopped", "stopped_for_harm")
    results = api.get(f"/api/learning/experiments/{experiment.pk}/results").json()
    assert (results["verdict"], results["winner"]) == ("stopped_for_harm", "control")
    assert "error rate" in results["sentence"]


def test_a_person_who_looks_stops_it_too_also_while_it_is_paused(experiment: Experiment) -> None:
    run_users(experiment, 120, SAME, more=failing)
    pause_experiment(experiment=experiment)
    assert look_again(experiment=experiment).verdict == "stopped_for_harm"
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.STOPPED


def test_an_end_that_somebody_was_quicker_to_press_stays(experiment: Experiment) -> None:
    harmful = Analysis.objects.create(experiment=experiment, number=1, verdict="stopped_for_harm")
    Experiment.objects.filter(pk=experiment.pk).update(status="completed")
    assert not stop_if_harmful(experiment=experiment, analysis=harmful)
    experiment.refresh_from_db()
    assert not stop_if_harmful(experiment=experiment, analysis=harmful)
    assert experiment.status == "completed"


def test_an_aa_goes_on_whatever_its_arms_show(agent: Agent) -> None:
    aa = start_experiment(experiment=create_aa(agent=agent, planned_units=400))
    run_users(aa, 120, SAME, more=failing)
    assert look_again(experiment=aa).verdict == "control"
    aa.refresh_from_db()
    assert aa.status == "running"


@pytest.mark.parametrize(("verdict", "waits"), [("stopped_for_harm", True), ("inconclusive", False)])
def test_an_administrator_is_told_of_what_ended_by_itself(
    sign_in: Any, experiment: Experiment, verdict: str, waits: bool
) -> None:
    analysis = Analysis.objects.create(experiment=experiment, number=1, verdict="stopped_for_harm")
    stop_if_harmful(experiment=experiment, analysis=analysis)
    Analysis.objects.create(experiment=experiment, number=2, verdict=verdict)
    page = sign_in("admin").get("/admin/learning/").content
    assert (b"it was stopped for harm; see what went wrong" in page) is waits
