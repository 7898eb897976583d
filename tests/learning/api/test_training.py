"""Training runs over HTTP: started with 202 or 201, watched, cancelled, decided about."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.engines.types import Cost
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, TrainingRun
from learning.services import gate, run_progress, training
from organizations.models import Organization
from tests import factories
from tests.learning.run_results import CONFIRMED, with_worse_examples
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
        ({"config": {"max_tokens": 0}}, "config.max_tokens"),
        ({"config": {"max_money": 0}}, "config.max_money"),
        ({"config": {"max_money": "much"}}, "config.max_money"),
        ({"config": {"max_money": 0.0000001}}, "config.max_money"),
        ({"config": {"max_seconds": 1}}, "config.max_seconds"),
        ({"config": {"concurrency": 1000}}, "config.concurrency"),
        ({"config": {"strategies": ["magic"]}}, "config.strategies"),
        ({"config": {"metric": "json_schema"}}, "config.metric_options.schema"),
        ({"config": {"metric_options": {"weight": 1}}}, "config.metric_options.weight"),
        ({"config": {"metric": "json_schema", "metric_options": {"schema": 3}}}, "config.metric_options.schema"),
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


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        (f"{RUNS}/estimate", {"config": {"max_calls": 3}}, "config.max_calls"),
        (f"{RUNS}/estimate", {"agent_id": None}, "agent_id"),
        (f"{RUNS}/estimate", {"training_type": "dpo"}, "training_type"),
        (OPTIMIZE, {"max_money": -1}, "max_money"),
        (OPTIMIZE, {"metric": "magic"}, "metric"),
        (OPTIMIZE, {"optimization_goals": ["speed"]}, "optimization_goals"),
        (OPTIMIZE, {"metric": "json_schema"}, "metric_options.schema"),
    ],
)
def test_bad_input_is_named_everywhere(
    api: Any, version: DatasetVersion, path: str, change: dict[str, Any], field: str
) -> None:
    response = api.post(path, {"agent_id": "critic", **change}, format="json")
    assert (response.status_code, fields(response)) == (400, [field])


def test_an_estimate_starts_nothing_and_is_kept_with_the_run(api: Any, version: DatasetVersion) -> None:
    wish = {"agent_id": "critic", "config": {"max_calls": 200, "max_tokens": 500}}
    told = api.post(f"{RUNS}/estimate", wish, format="json")
    assert told.status_code == 200, told.content
    estimate = told.json()
    assert estimate["calls"] == 200 and 0 < estimate["confirmation_calls"] < 200
    assert estimate["input_tokens"] > 200 and estimate["tokens_from"] == "the length of the texts"
    assert (estimate["money"], estimate["seconds"], estimate["runs"]) == ("0.00000000", None, 0), "a free model"
    assert estimate["warnings"] == ["500 tokens are probably used up before the calls are."]
    assert not TrainingRun.objects.exists()
    assert api.post(RUNS, wish, format="json").json()["estimate"] == estimate


def test_a_run_over_is_repeated_with_its_seed_and_settings(api: Any, version: DatasetVersion) -> None:
    wish = {"agent_id": "critic", "seed": 9, "name": "Monday", "config": {"max_calls": 90, "metric": "normalised"}}
    first = api.post(RUNS, wish, format="json").json()
    early = api.post(f"{RUNS}/{first['id']}/rerun")
    assert early.status_code == 409, "it is not over"
    api.post(f"{RUNS}/{first['id']}/cancel")
    response = api.post(f"{RUNS}/{first['id']}/rerun")
    again = response.json()
    assert (response.status_code, response["Location"]) == (201, f"{RUNS}/{again['id']}")
    assert again["rerun_of_id"] == first["id"] and again["status"] == "pending"
    same = ("name", "seed", "config", "dataset_version_id", "base_config_id", "training_type")
    assert [again[key] for key in same] == [first[key] for key in same]


def test_what_was_forgotten_cannot_be_repeated(api: Any, run: TrainingRun) -> None:
    training.request_cancel(run=run)
    DatasetVersion.objects.update(erased_at=run.created_at)
    response = api.post(f"{RUNS}/{run.pk}/rerun")
    assert (response.status_code, fields(response)) == (400, ["dataset_version_id"])


def test_runs_are_compared_by_their_settings_and_figures(api: Any, run: TrainingRun) -> None:
    other = training.start_training_run(agent=run.agent, seed=2, config={"max_calls": 200})
    TrainingRun.objects.filter(pk=run.pk).update(metrics=CONFIRMED)
    body = api.get(f"{RUNS}/compare", {"id": [str(other.pk), str(run.pk)]}).json()
    assert [one["id"] for one in body["runs"]] == [str(other.pk), str(run.pk)]
    assert body["differences"] == [
        {"setting": "config.max_calls", "values": [200, 340]},
        {"setting": "seed", "values": [2, 1]},
    ]
    assert body["same_split"] is True
    assert [one["verdict"] for one in body["runs"]] == [None, "improved"]


def test_a_comparison_says_what_is_wrong_with_it(api: Any, other_api: Any, run: TrainingRun) -> None:
    other = training.start_training_run(agent=run.agent)
    one = {"id": [str(run.pk)]}
    assert (api.get(f"{RUNS}/compare", one).status_code, fields(api.get(f"{RUNS}/compare", one))) == (400, ["id"])
    assert api.get(f"{RUNS}/compare", {"id": [str(run.pk)] * 2}).status_code == 400, "a run is not compared with itself"
    assert api.get(f"{RUNS}/compare", {"id": ["x", "y"]}).status_code == 400
    both = {"id": [str(run.pk), str(other.pk)]}
    assert api.get(f"{RUNS}/compare", both).status_code == 200
    assert other_api.get(f"{RUNS}/compare", both).status_code == 404


def test_log_lines_come_in_their_order_page_by_page_and_from_where_one_was(api: Any, run: TrainingRun) -> None:
    work = factories.claim_run(run)
    assert work
    for number in range(4):
        run_progress.append_log(claim=work.claim, message=f"line {number}")
    first = api.get(f"{RUNS}/{run.pk}/log", {"limit": 3}).json()
    rest = api.get(first["next"]).json()
    lines = [*first["results"], *rest["results"]]
    assert [line["message"] for line in lines[1:]] == [f"line {number}" for number in range(4)]
    assert rest["next"] is None
    run_progress.append_log(claim=work.claim, message="later")
    news = api.get(f"{RUNS}/{run.pk}/log", {"after": lines[-1]["id"]}).json()["results"]
    assert [(line["message"], line["level"]) for line in news] == [("later", "info")]
    assert fields(api.get(f"{RUNS}/{run.pk}/log", {"after": "x"})) == ["after"]


def test_the_list_tells_the_verdict_and_leaves_the_rest_to_the_run(api: Any, run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(metrics=CONFIRMED)
    (listed,) = api.get(RUNS).json()["results"]
    assert (listed["verdict"], listed["improvement_percentage"]) == ("improved", 20.0)
    assert "metrics" not in listed
    assert api.get(f"{RUNS}/{run.pk}").json()["metrics"] == CONFIRMED
    counts = []
    for number in (2, 6):
        while TrainingRun.objects.count() < number:
            training.start_training_run(agent=run.agent)
        with CaptureQueriesContext(connection) as queries:
            api.get(RUNS)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_which_test_examples_got_worse_is_told_to_administrators_alone(
    api: Any, organization: Organization, run: TrainingRun
) -> None:
    from tests.conftest import api_with

    found = with_worse_examples(run.dataset_version)
    TrainingRun.objects.filter(pk=run.pk).update(metrics=found)
    assert api.get(f"{RUNS}/{run.pk}").json()["metrics"] == found
    told = api_with(factories.make_key(organization, scopes=["read"])).get(f"{RUNS}/{run.pk}").json()["metrics"]
    assert told["worse_examples"] == [{"before": 1.0, "after": 0.0}] * 2
    assert [one["key"] for one in found["worse_examples"] if one["key"] in str(told)] == []
    assert told["improvement"] == found["improvement"]
    assert told["analysis"]["clusters"][0] == {"words": "refund, invoice", "n": 9, "failing": 7}
    assert "lacking" not in told["analysis"]


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
    work = factories.claim_run(run)
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
    took = {"llm_calls": 0, "input_tokens": 0, "output_tokens": 0, "estimated_calls": 0, "cost": "0.00000000"}
    assert shown["gate"] == {"id": str(report.pk), "status": "passed", "approved": True} | took
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
    work = factories.claim_run(run)
    assert work
    run_progress.fail_run(claim=work.claim, reason="broken", cost=Cost())
    admin = sign_in("admin")
    assert admin.post(f"{RUNS}/{run.pk}/approve", {}, content_type="application/json").status_code == 409
    assert api.get(f"{RUNS}/{run.pk}").json()["failure_reason"] == "broken"


def test_a_reading_key_may_watch_and_not_start(organization: Organization, run: TrainingRun) -> None:
    from tests.conftest import api_with

    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.get(f"{RUNS}/{run.pk}").status_code == 200
    assert reader.get(f"{RUNS}/{run.pk}/log").status_code == 200
    own = (f"{RUNS}/{run.pk}/{action}" for action in ("cancel", "approve", "rerun"))
    for path in (RUNS, OPTIMIZE, f"{RUNS}/estimate", *own):
        assert reader.post(path, {"agent_id": "critic"}, format="json").status_code == 403


def test_a_stranger_finds_no_run(other_api: Any, run: TrainingRun) -> None:
    assert other_api.get(RUNS).json()["results"] == []
    assert other_api.get(f"{RUNS}/{run.pk}").status_code == 404
    assert other_api.post(f"{RUNS}/{run.pk}/cancel").status_code == 404
    assert other_api.post(f"{RUNS}/{run.pk}/rerun").status_code == 404
    assert other_api.get(f"{RUNS}/{run.pk}/log").status_code == 404
    assert other_api.post(f"{RUNS}/estimate", {"agent_id": "critic"}, format="json").status_code == 404
    assert other_api.post(OPTIMIZE, {"agent_id": "critic"}, format="json").status_code == 404
    run.refresh_from_db()
    assert run.status == RunStatus.PENDING


def test_the_earlier_spelling_still_works(api: Any, run: TrainingRun) -> None:
    assert api.get("/api/learning/training/runs").json()["results"][0]["id"] == str(run.pk)
