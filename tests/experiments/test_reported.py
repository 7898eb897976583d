"""Metrics of the application's own, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from experiments.models import CustomMetric, Experiment, OutcomeEvent
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import config_for_user
from experiments.services.lifecycle import start_experiment
from learning.models import Agent
from tests.clients_in_process import StrangerAPIClient

BASE = "/api/learning"
BASKET = {"name": "basket", "label": "Basket", "shape": "ratio", "low": 0, "high": 500, "maturity_hours": 0}


def define(api: StrangerAPIClient, **values: Any) -> Any:
    return api.post(f"{BASE}/metrics", BASKET | values, format="json")


def tell(api: StrangerAPIClient, **values: Any) -> Any:
    row = {"agent_id": "support", "user_id": "a", "metric": "basket", "value": 30, "denominator": 2} | values
    return api.post(f"{BASE}/outcomes", row, format="json")


def errors(answer: Any) -> list[str]:
    return [row["field"] for row in answer.json()["errors"]]


def test_an_experiment_counts_what_the_application_reports(
    api: StrangerAPIClient, agent: Agent, draft: Any, candidate: Any
) -> None:
    assert define(api).status_code == 201
    assert [row["name"] for row in api.get(f"{BASE}/metrics").json()] == ["basket"]
    draft_ = draft(metrics=[{"name": "basket"}, {"name": "error_rate", "role": "guardrail", "margin": 0.1}])
    experiment = start_experiment(experiment=draft_)
    served = config_for_user(agent=agent, user_id="a", expose=True)
    moment = timezone.now().isoformat()
    told = {"agent_id": agent.external_id, "experiment_id": str(experiment.pk), "idempotency_key": "k"}
    first, again = tell(api, **told, occurred_at=moment), tell(api, **told, occurred_at=moment)
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    assert OutcomeEvent.objects.count() == 1
    row = analyse_experiment(experiment=experiment).results.get(metric="basket")
    assert (row.control_n + row.treatment_n, served.variant) == (1, served.variant)
    CustomMetric.objects.update(label="Another")
    experiment.refresh_from_db()
    assert experiment.metrics[0]["definition"]["label"] == "Basket", "as it was when the experiment was made"


def test_what_cannot_count_is_refused_by_name(api: StrangerAPIClient, agent: Agent, experiment: Experiment) -> None:
    define(api)
    define(api, name="visits", shape="count")
    Experiment.objects.filter(pk=experiment.pk)
    named = {"agent_id": agent.external_id}
    assert errors(tell(api, **named, metric="nothing")) == ["metric"]
    assert errors(tell(api, **named, denominator=None)) == ["denominator"]
    assert errors(tell(api, **named, metric="visits")) == ["denominator"]
    assert errors(tell(api, **named, user_id="x" * 1_000_000)) == ["user_id"]
    assert errors(tell(api, **named, experiment_id=str(experiment.pk))) == ["metric"], "it does not measure it"
    assert tell(api, agent_id="unknown").status_code == 404
    assert OutcomeEvent.objects.count() == 0


def test_an_outcome_before_the_exposure_is_refused(api: StrangerAPIClient, agent: Agent, draft: Any) -> None:
    define(api)
    experiment = start_experiment(experiment=draft(metrics=[{"name": "basket"}]))
    named = {"agent_id": agent.external_id, "experiment_id": str(experiment.pk)}
    assert errors(tell(api, **named)) == ["user_id"], "not exposed yet"
    config_for_user(agent=agent, user_id="a", expose=True)
    early = (timezone.now() - timedelta(hours=1)).isoformat()
    answer = tell(api, **named, occurred_at=early)
    assert (answer.status_code, errors(answer)) == (409, ["occurred_at"])
    assert OutcomeEvent.objects.count() == 0


def test_impossible_metrics_are_refused(api: StrangerAPIClient) -> None:
    assert errors(define(api, name="Not a name")) == ["name"]
    assert errors(define(api, name="latency")) == ["name"]
    assert errors(define(api, low=5, high=1)) == ["low"]
    assert errors(define(api, shape="round")) == ["shape"]
    assert define(api).status_code == 201 and define(api).status_code == 409


def test_each_item_of_a_batch_is_taken_or_refused(api: StrangerAPIClient, agent: Agent) -> None:
    define(api, name="visits", shape="count")
    item = {"agent_id": agent.external_id, "user_id": "a", "metric": "visits"}
    answer = api.post(f"{BASE}/outcomes/batch", {"items": [item, item | {"metric": "no"}, {}]}, format="json").json()
    assert [row["status"] for row in answer["results"]] == [201, 404, 400]
