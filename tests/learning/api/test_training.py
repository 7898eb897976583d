"""Training runs over HTTP: started with 202 or 201, watched, cancelled, decided about."""

from __future__ import annotations

from typing import Any

import pytest

from learning.engines.types import Cost
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, TrainingRun
from learning.services import gate, run_progress, training
from organizations.models import Organization
from tests import factories
from tests.learning.services.test_gate import PASSED, worked

RUNS = "/api/learning/training-runs"
OPTIMIZE = "/api/learning/optimize-prompt"


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent)


def fields(response: Any) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def test_optimize_prompt_answers_at_once_with_the_address_of_the_run(api: Any, version: DatasetVersion) -> None:
    wish = {"agent_id": "critic", "optimization_goals": ["accuracy", "clarity"], "max_calls": 200}
    response = api.post(OPTIMIZE, wish, format="json")
    assert response.status_code == 202
    body = response.json()
    assert response["Location"] == body["url"] == f"{RUNS}/{body['run_id']}"
    shown = api.get(body["url"]).json()
    assert (shown["status"], shown["progress_percentage"], shown["gate"]) == ("pending", 0, None)
    assert shown["config"] == {"max_calls": 200, "metric": "exact", "goals": ["accuracy", "clarity"], "rewrites": 0}


def test_a_run_is_started_with_all_its_settings(api: Any, version: DatasetVersion) -> None:
    wish = {
        "agent_id": "critic",
        "dataset_version_id": str(version.pk),
        "training_type": "prompt_optimization",
        "name": "Monday",
        "config": {"max_calls": 90, "metric": "normalised"},
        "seed": 5,
    }
    response = api.post(RUNS, wish, format="json")
    assert response.status_code == 201, response.content
    run = TrainingRun.objects.get(pk=response.json()["id"])
    assert (run.name, run.seed, run.config["metric"], run.dataset_version) == ("Monday", 5, "normalised", version)
    assert [one["id"] for one in api.get(RUNS, {"agent_id": "critic", "status": "pending"}).json()["results"]] == [
        str(run.pk)
    ]
    assert api.get(RUNS, {"status": "failed"}).json()["results"] == []


def test_too_few_examples_are_a_problem_that_says_how_many_are_missing(api: Any, agent: Agent) -> None:
    factories.make_published_version(agent, examples=44)
    response = api.post(OPTIMIZE, {"agent_id": "critic"}, format="json")
    assert response.status_code == 400
    assert "so 6 are missing" in response.json()["detail"]
    assert fields(response) == ["dataset_version_id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"config": {"max_calls": 3}}, "config.max_calls"),
        ({"config": {"goals": ["speed"]}}, "config.goals"),
        ({"config": {"metric": "os.system"}}, "config.metric"),
        ({"config": {"budget": 3}}, "config.budget"),
        ({"training_type": "magic"}, "training_type"),
        ({"training_type": "dpo"}, "training_type"),
        ({"seed": -1}, "seed"),
        ({"agent": "critic"}, "agent"),
        ({"dataset_version_id": "x"}, "dataset_version_id"),
    ],
)
def test_bad_input_gets_a_problem_naming_the_field(
    api: Any, version: DatasetVersion, change: dict[str, Any], field: str
) -> None:
    response = api.post(RUNS, {"agent_id": "critic", **change}, format="json")
    assert response.status_code == 400
    assert response["Content-Type"].startswith("application/problem+json")
    assert field in fields(response)
    assert not TrainingRun.objects.exists()


def test_what_does_not_exist_is_404(api: Any, version: DatasetVersion) -> None:
    missing = "0193b2f0-0000-7000-8000-000000000000"
    assert api.post(RUNS, {"agent_id": "nobody"}, format="json").status_code == 404
    wish = {"agent_id": "critic", "dataset_version_id": missing}
    assert api.post(RUNS, wish, format="json").status_code == 404
    assert api.get(f"{RUNS}/{missing}").status_code == 404
    assert api.post(f"{RUNS}/nonsense/cancel").status_code == 404


def test_a_run_is_cancelled_once(api: Any, run: TrainingRun) -> None:
    assert api.post(f"{RUNS}/{run.pk}/cancel").json()["status"] == "cancelled"
    assert api.post(f"{RUNS}/{run.pk}/cancel").status_code == 409


def candidate(run: TrainingRun) -> AgentConfig:
    work = run_progress.claim_run(run_id=run.pk)
    assert work
    config = factories.make_config(run.agent, status="candidate", training_run=run, parent=run.base_config)
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, candidate_config=config)
    return config


def test_a_candidate_is_approved_after_its_gate_and_not_before(sign_in: Any, run: TrainingRun) -> None:
    admin = sign_in("admin")
    report = gate.start_gate(config=candidate(run))
    early = admin.post(f"{RUNS}/{run.pk}/approve", {}, content_type="application/json")
    assert (early.status_code, early.json()["detail"]) == (
        409,
        "The gate has not passed, so the config cannot be approved.",
    )
    worked(report, PASSED)
    shown = admin.post(f"{RUNS}/{run.pk}/approve", {"note": "fine"}, content_type="application/json").json()
    assert shown["gate"] == {"id": str(report.pk), "status": "passed", "approved": True}
    assert AgentConfig.objects.get(pk=shown["candidate_config_id"]).status == "approved"
    assert admin.post(f"{RUNS}/{run.pk}/approve", {}, content_type="application/json").status_code == 409


def test_a_candidate_is_rejected(sign_in: Any, run: TrainingRun) -> None:
    admin = sign_in("admin")
    config = candidate(run)
    worked(gate.start_gate(config=config), PASSED)
    admin.post(f"{RUNS}/{run.pk}/approve", {"approved": False}, content_type="application/json")
    config.refresh_from_db()
    assert config.status == "retired"


def test_a_key_cannot_take_the_place_of_the_person_who_approves(api: Any, run: TrainingRun) -> None:
    config = candidate(run)
    worked(gate.start_gate(config=config), PASSED)
    answer = api.post(f"{RUNS}/{run.pk}/approve", {}, format="json")
    assert (answer.status_code, "a key cannot" in answer.json()["detail"]) == (403, True)
    config.refresh_from_db()
    assert config.status == "candidate"


def test_a_run_without_a_candidate_has_nothing_to_approve(api: Any, sign_in: Any, run: TrainingRun) -> None:
    work = run_progress.claim_run(run_id=run.pk)
    assert work
    run_progress.fail_run(claim=work.claim, reason="broken", cost=Cost())
    admin = sign_in("admin")
    assert admin.post(f"{RUNS}/{run.pk}/approve", {}, content_type="application/json").status_code == 409
    assert api.get(f"{RUNS}/{run.pk}").json()["failure_reason"] == "broken"


def test_a_reading_key_may_watch_and_not_start(organization: Organization, run: TrainingRun) -> None:
    from tests.conftest import api_with

    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.get(f"{RUNS}/{run.pk}").status_code == 200
    for path in (RUNS, OPTIMIZE, f"{RUNS}/{run.pk}/cancel", f"{RUNS}/{run.pk}/approve"):
        assert reader.post(path, {"agent_id": "critic"}, format="json").status_code == 403


def test_a_stranger_finds_no_run(other_api: Any, run: TrainingRun) -> None:
    assert other_api.get(RUNS).json()["results"] == []
    assert other_api.get(f"{RUNS}/{run.pk}").status_code == 404
    assert other_api.post(f"{RUNS}/{run.pk}/cancel").status_code == 404
    assert other_api.post(OPTIMIZE, {"agent_id": "critic"}, format="json").status_code == 404
    run.refresh_from_db()
    assert run.status == RunStatus.PENDING


def test_the_earlier_spelling_still_works(api: Any, run: TrainingRun) -> None:
    assert api.get("/api/learning/training/runs").json()["results"][0]["id"] == str(run.pk)
