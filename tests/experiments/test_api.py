"""Experiments and deployments over HTTP."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from experiments.models import Deployment, Experiment, Exposure
from experiments.services.analysis import analyse_experiment
from experiments.services.lifecycle import pause_experiment
from experiments.services.ruleset import build_ruleset
from experiments.services.testers import force_unit
from learning.models import Agent, AgentConfig
from organizations.models import Organization
from tests import factories
from tests.clients_in_process import StrangerAPIClient
from tests.conftest import api_with
from tests.experiments.audience import run_users

BASE = "/api/learning"


def plan(agent: Agent, candidate: AgentConfig, **values: Any) -> dict[str, Any]:
    return {"agent_id": agent.external_id, "name": "Trial", "candidate_config_id": str(candidate.pk)} | values


def test_an_experiment_from_draft_to_results(api: StrangerAPIClient, agent: Agent, candidate: AgentConfig) -> None:
    made = api.post(f"{BASE}/experiments", plan(agent, candidate, min_samples=50, min_duration_hours=0), format="json")
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["status"], body["agent_id"], body["traffic_percentage"]) == ("draft", agent.external_id, 100)
    assert [(arm["key"], arm["percentage"], arm["is_control"]) for arm in body["variants"]] == [
        ("control", 50, True),
        ("treatment", 50, False),
    ]
    address = f"{BASE}/experiments/{body['id']}"
    assert api.get(f"{address}/results").json()["verdict"] == "inconclusive"
    changed = api.patch(address, {"min_samples": 100, "hypothesis": "It is better"}, format="json").json()
    assert (changed["min_samples"], changed["hypothesis"]) == (100, "It is better")
    assert api.post(f"{address}/start").json()["status"] == "running"
    experiment = Experiment.objects.get(pk=body["id"])
    run_users(experiment, 400, {"control": 0.3, "treatment": 0.9})
    analyse_experiment(experiment=experiment)
    results = api.get(f"{address}/results").json()
    assert (results["verdict"], results["winner"], results["winning_variant"]) == (
        "treatment",
        "treatment",
        "treatment",
    )
    assert results["statistical_significance"] < 0.001
    assert sum(results["units"].values()) == 400
    row = next(row for row in results["metrics"] if row["metric"] == "net_satisfaction")
    assert row["low"] < row["lift"] < row["high"]
    assert row["control"]["n"] + row["treatment"]["n"] == 400
    assert api.post(f"{address}/pause").json()["status"] == "paused"
    assert api.post(f"{address}/resume").json()["status"] == "running"
    assert api.patch(f"{address}/status", {"status": "completed"}, format="json").json()["status"] == "completed"
    again = api.post(f"{address}/start")
    assert (again.status_code, again["Content-Type"]) == (409, "application/problem+json")


@pytest.mark.parametrize("status", ["running", "paused", "stopped", "completed"])
def test_the_status_can_be_patched(api: StrangerAPIClient, experiment: Experiment, status: str) -> None:
    if status == "running":
        pause_experiment(experiment=experiment)
    answer = api.patch(f"{BASE}/experiments/{experiment.pk}/status", {"status": status}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_three_arms_with_their_own_shares(api: StrangerAPIClient, agent: Agent, candidate: AgentConfig) -> None:
    other = factories.make_config(agent)
    arms = [
        {"key": "control", "config_id": str(agent.serving_config_id), "percentage": 60},
        {"key": "short", "config_id": str(candidate.pk), "percentage": 20},
        {"key": "long", "config_id": str(other.pk), "percentage": 20},
    ]
    body = {"agent_id": agent.external_id, "name": "Three", "variants": arms}
    answer = api.post(f"{BASE}/experiments", body, format="json")
    assert answer.status_code == 201
    assert [arm["key"] for arm in answer.json()["variants"]] == ["control", "short", "long"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"traffic_percentage": 101}, "traffic_percentage"),
        ({"traffic_percentage": 0}, "traffic"),
        ({"min_samples": 0}, "min_samples"),
        ({"significance_threshold": 1}, "significance_threshold"),
        ({"metrics": [{"name": "happiness"}]}, "metrics.0.name"),
        ({"metrics": [{"name": "error_rate", "role": "guardrail"}]}, "metrics"),
        ({"candidate_config_id": "not an id"}, "candidate_config_id"),
        ({"candidate_config_id": None}, "candidate_config_id"),
        ({"variants": []}, "variants"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_bad_input_is_refused_naming_the_field(
    api: StrangerAPIClient, agent: Agent, candidate: AgentConfig, change: dict[str, Any], field: str
) -> None:
    answer = api.post(f"{BASE}/experiments", plan(agent, candidate) | change, format="json")
    assert answer.status_code == 400, answer.json()
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert not Experiment.objects.exists()


def test_variants_that_do_not_sum_to_a_hundred_are_refused(
    api: StrangerAPIClient, agent: Agent, candidate: AgentConfig
) -> None:
    arms = [
        {"key": "control", "config_id": str(agent.serving_config_id), "percentage": 50},
        {"key": "treatment", "config_id": str(candidate.pk), "percentage": 49},
    ]
    answer = api.post(
        f"{BASE}/experiments", {"agent_id": agent.external_id, "name": "x", "variants": arms}, format="json"
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "variants")


def test_a_started_experiment_cannot_be_changed(api: StrangerAPIClient, experiment: Experiment) -> None:
    answer = api.patch(f"{BASE}/experiments/{experiment.pk}", {"min_samples": 1}, format="json")
    assert answer.status_code == 409
    assert "frozen" in answer.json()["detail"]


def test_a_margin_cannot_be_moved_after_the_start(api: StrangerAPIClient, experiment: Experiment) -> None:
    before = experiment.metrics
    wider = [item | {"margin": 0.5} for item in before]
    answer = api.patch(f"{BASE}/experiments/{experiment.pk}", {"metrics": wider}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    experiment.refresh_from_db()
    assert experiment.metrics == before


@pytest.mark.parametrize("name", [" ", "\u00a0\t"])
def test_a_name_is_more_than_spaces(api: StrangerAPIClient, agent: Agent, candidate: AgentConfig, name: str) -> None:
    made = {
        "experiments": plan(agent, candidate),
        "layers": {"name": "Tone"},
        "metrics": {"name": "solved", "label": "Solved", "shape": "binary"},
    }
    for path, body in made.items():
        field = "label" if path == "metrics" else "name"
        row = api.post(f"{BASE}/{path}", body, format="json").json()
        answers = (
            api.post(f"{BASE}/{path}", body | {field: name}, format="json"),
            api.patch(f"{BASE}/{path}/{row['id']}", {field: name}, format="json"),
        )
        for answer in answers:
            assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
            assert "nothing but spaces" in answer.json()["detail"]
        assert api.get(f"{BASE}/{path}/{row['id']}").json() == row


def test_spaces_at_the_ends_of_a_name_are_left_out(
    api: StrangerAPIClient, agent: Agent, candidate: AgentConfig
) -> None:
    api.post(f"{BASE}/layers", {"name": " Tone "}, format="json")
    made = api.post(f"{BASE}/experiments", plan(agent, candidate, name=" Trial ", layer_id="Tone"), format="json")
    assert (made.status_code, made.json()["name"]) == (201, "Trial")


def test_an_empty_change_changes_nothing(api: StrangerAPIClient, draft: Any) -> None:
    address = f"{BASE}/experiments/{draft().pk}"
    assert api.patch(address, {}, format="json").json() == api.get(address).json()


def test_an_unapproved_candidate_is_a_conflict(api: StrangerAPIClient, agent: Agent) -> None:
    raw = factories.make_config(agent, status="candidate")
    assert api.post(f"{BASE}/experiments", plan(agent, raw), format="json").status_code == 409


def test_lists_can_be_narrowed(api: StrangerAPIClient, agent: Agent, experiment: Experiment) -> None:
    def count(path: str, **query: str) -> int:
        return len(api.get(f"{BASE}/{path}", query).json()["results"])

    assert count("experiments") == count("experiments", agent_id=agent.external_id, status="running") == 1
    assert count("experiments", status="draft") == 0
    assert count("deployments", agent_id=agent.external_id, status="serving") == 1
    assert api.get(f"{BASE}/experiments", {"status": "odd"}).status_code == 400


def test_the_config_for_a_user(api: StrangerAPIClient, agent: Agent, experiment: Experiment) -> None:
    address = f"{BASE}/agents/{agent.external_id}/config"
    answer = api.get(address, {"user_id": "user-1"}).json()
    assert answer["experiment_id"] == str(experiment.pk)
    assert answer["variant"] in ("control", "treatment")
    assert answer["content"]["system_prompt"] == {"control": "current", "treatment": "candidate"}[answer["variant"]]
    assert api.get(f"{BASE}/agents/{agent.pk}/config", {"user_id": "user-1"}).json() == answer
    assert not Exposure.objects.exists()
    api.head(address, {"user_id": "user-1", "expose": "1"})
    assert not Exposure.objects.exists()
    api.get(address, {"user_id": "user-1", "expose": "1"})
    assert Exposure.objects.get().unit == "user-1"
    nobody = api.get(address).json()
    assert (nobody["variant"], nobody["config_id"]) == ("", str(agent.serving_config_id))


def test_two_queries_decide_the_config(
    api: StrangerAPIClient, agent: Agent, experiment: Experiment, django_assert_max_num_queries: Any
) -> None:
    """Two decide the config; the rest finds the key and opens the organization's transaction."""
    with django_assert_max_num_queries(16) as seen:
        api.get(f"{BASE}/agents/{agent.external_id}/config", {"user_id": "user-1"})
    tables = [query["sql"] for query in seen.captured_queries if 'FROM "' in query["sql"]]
    assert len(tables) == 2, tables


@pytest.mark.parametrize("user", ["x" * 201, "a\x00b"])
def test_an_impossible_user_names_the_field(api: StrangerAPIClient, agent: Agent, user: str) -> None:
    answer = api.get(f"{BASE}/agents/{agent.external_id}/config", {"user_id": user})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "user_id")


def test_the_ruleset_lets_a_client_assign_by_itself(
    api: StrangerAPIClient, agent: Agent, candidate: AgentConfig, experiment: Experiment
) -> None:
    answer = api.get(f"{BASE}/ruleset")
    rules = answer.json()
    entry = next(row for row in rules["agents"] if row["agent_id"] == agent.external_id)
    (told,) = entry["experiments"]
    assert (told["salt"], told["unit"], told["local"]) == (experiment.salt, "user", True)
    assert [(arm["key"], arm["buckets"]) for arm in told["arms"]] == [
        ("control", 5000),
        ("treatment", 5000),
    ]
    assert rules["configs"][str(candidate.pk)]["content"]["system_prompt"] == "candidate"
    unchanged = api.get(f"{BASE}/ruleset", headers={"If-None-Match": answer["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    pause_experiment(experiment=experiment)
    assert api.get(f"{BASE}/ruleset", headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_the_ruleset_takes_three_queries_and_few_bytes(
    agent: Agent, experiment: Experiment, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        force_unit(experiment=experiment, unit=f"t{number}", variant="treatment")
    with django_assert_num_queries(3):
        rules, _ = build_ruleset()
    assert set(rules["agents"][0]["experiments"][0]["testers"].values()) == {"treatment"}
    assert len(json.dumps(rules)) < 2_000


def test_a_share_of_true_is_no_share(api: StrangerAPIClient, agent: Agent, candidate: AgentConfig) -> None:
    body = {"agent_id": agent.external_id, "config_id": str(candidate.pk), "share": True}
    refused = api.post(f"{BASE}/deployments", body, format="json")
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "share"


def test_a_deployment_by_share_promoted_and_rolled_back(
    api: StrangerAPIClient, agent: Agent, candidate: AgentConfig
) -> None:
    body = {"agent_id": agent.external_id, "config_id": str(candidate.pk), "share": 10}
    made = api.post(f"{BASE}/deployments", body, format="json")
    assert (made.status_code, made.json()["status"], made.json()["share"]) == (201, "ramping", 10)
    address = f"{BASE}/deployments/{made.json()['id']}"
    assert api.post(f"{address}/promote", {"share": 50}, format="json").json()["share"] == 50
    assert api.post(f"{address}/promote").json()["status"] == "serving"
    assert api.post(f"{address}/rollback", {"reason": "worse"}, format="json").json()["status"] == "rolled_back"
    assert api.post(f"{address}/rollback").status_code == 409
    assert api.get(address).json()["previous_config_id"] == str(agent.serving_config_id)


def test_keys_that_may_only_read_or_send_change_nothing(
    scope: Organization, agent: Agent, candidate: AgentConfig, experiment: Experiment
) -> None:
    read, ingest = (api_with(factories.make_key(scope, scopes=[name])) for name in ("read", "ingest"))
    assert read.get(f"{BASE}/ruleset").status_code == 200
    assert ingest.get(f"{BASE}/ruleset").status_code == 400
    told = ingest.get(f"{BASE}/ruleset", {"agent_id": agent.external_id}).json()
    assert [list(config) for config in told["configs"].values()] == [["number"], ["number"]]
    for client in (read, ingest):
        assert client.post(f"{BASE}/experiments", plan(agent, candidate), format="json").status_code == 403
        assert client.post(f"{BASE}/experiments/{experiment.pk}/stop").status_code == 403
        assert client.post(f"{BASE}/deployments/{Deployment.objects.get().pk}/rollback").status_code == 403


def test_a_stranger_finds_nothing(
    other_api: StrangerAPIClient, agent: Agent, candidate: AgentConfig, experiment: Experiment
) -> None:
    deployment = Deployment.objects.get()
    paths = [f"experiments/{experiment.pk}", f"experiments/{experiment.pk}/results", f"deployments/{deployment.pk}",
             f"agents/{agent.external_id}/config", f"agents/{agent.pk}/config?user_id=a"]  # fmt: skip
    for path in paths:
        assert other_api.get(f"{BASE}/{path}").status_code == 404, path
    for step in ("start", "pause", "resume", "stop"):
        assert other_api.post(f"{BASE}/experiments/{experiment.pk}/{step}").status_code == 404
    for step in ("promote", "rollback"):
        assert other_api.post(f"{BASE}/deployments/{deployment.pk}/{step}").status_code == 404
    assert other_api.post(f"{BASE}/experiments", plan(agent, candidate), format="json").status_code == 404
    assert other_api.get(f"{BASE}/ruleset").json()["agents"] == []
    experiment.refresh_from_db()
    assert experiment.status == "running"


def test_a_config_that_is_not_the_agents_is_missing(api: StrangerAPIClient, agent: Agent) -> None:
    foreign = factories.make_config(factories.make_agent())
    for config_id in (str(foreign.pk), str(uuid4())):
        body = {"agent_id": agent.external_id, "config_id": config_id}
        answer = api.post(f"{BASE}/deployments", body, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, "config_id")
