"""Metrics of the application's own, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from experiments.models import CustomMetric, Experiment, OutcomeEvent
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import config_for_user
from experiments.services.lifecycle import start_experiment, stop_experiment
from experiments.services.reported import create_metric, report_outcomes
from learning.models import Agent
from organizations.errors import Conflict
from organizations.models import AuditEvent, Organization
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


@pytest.mark.parametrize("value", [0.3, 7, -1])
def test_what_happened_or_did_not_is_told_by_1_or_0(api: StrangerAPIClient, agent: Agent, value: float) -> None:
    define(api, name="solved", shape="binary")
    item = {"agent_id": agent.external_id, "user_id": "a", "metric": "solved"}
    answer = api.post(f"{BASE}/outcomes", item | {"value": value}, format="json")
    assert (answer.status_code, errors(answer)) == (400, ["value"])
    assert f"report 1 or 0, not {value:g}." in answer.json()["detail"]
    items = [item | {"value": told} for told in (value, 0, 1.0)] + [item]
    answer = api.post(f"{BASE}/outcomes/batch", {"items": items}, format="json").json()
    assert [row["status"] for row in answer["results"]] == [400, 201, 201, 201]
    assert sorted(OutcomeEvent.objects.values_list("value", flat=True)) == [0, 1, 1]


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


def change(api: StrangerAPIClient, **values: Any) -> Any:
    return api.patch(f"{BASE}/metrics/basket", values, format="json")


def test_a_metric_that_nothing_measures_can_be_changed_and_deleted(api: StrangerAPIClient, scope: Organization) -> None:
    made = define(api).json()
    changed = change(api, label="Shopping", low=None, higher_is_better=False)
    assert changed.status_code == 200
    assert changed.json() == made | {"label": "Shopping", "low": None, "higher_is_better": False}
    assert api.get(f"{BASE}/metrics/{made['id']}").json() == api.get(f"{BASE}/metrics/basket").json() == changed.json()
    told = AuditEvent.objects.get(action="metric.changed")
    assert told.before == {"label": "Basket", "low": 0.0, "higher_is_better": True}
    assert change(api).json() == changed.json() and AuditEvent.objects.filter(action="metric.changed").count() == 1
    assert api.delete(f"{BASE}/metrics/basket").status_code == 204
    assert api.get(f"{BASE}/metrics").json() == [] and api.delete(f"{BASE}/metrics/basket").status_code == 404


def test_impossible_changes_of_a_metric_are_refused(api: StrangerAPIClient) -> None:
    define(api)
    assert (
        errors(change(api, shape="count")) == ["shape"]
        and "Define another" in change(api, shape="count").json()["detail"]
    )
    assert errors(change(api, name="other")) == ["name"]
    assert errors(change(api, low=500)) == ["low"], "above the upper limit that it has"
    assert errors(change(api, maturity_hours=-1)) == ["maturity_hours"]
    assert change(api, name="basket", shape="ratio").status_code == 200, "as they are"


@pytest.mark.parametrize("field", ["higher_is_better", "maturity_hours", "low", "high"])
def test_what_decides_is_frozen_while_an_experiment_measures_it(api: StrangerAPIClient, draft: Any, field: str) -> None:
    define(api)
    other = {"higher_is_better": False, "maturity_hours": 3, "low": 1, "high": None}[field]
    experiment = draft(metrics=[{"name": "basket"}])
    assert change(api, high=400).status_code == 200, "a draft has its copy, and nobody is in it yet"
    start_experiment(experiment=experiment)
    answer = change(api, **{field: other})
    assert (answer.status_code, errors(answer)) == (409, [field])
    assert "frozen while the experiment 'Candidate against current' measures it" in answer.json()["detail"]
    assert change(api, label="Shopping").status_code == 200
    stop_experiment(experiment=experiment)
    assert change(api, **{field: other}).status_code == 200


def test_a_metric_that_is_measured_cannot_be_deleted(api: StrangerAPIClient, draft: Any) -> None:
    define(api)
    experiment = draft(metrics=[{"name": "basket"}])
    for step in (None, start_experiment):
        if step is not None:
            step(experiment=experiment)
        answer = api.delete(f"{BASE}/metrics/basket")
        assert answer.status_code == 409 and "'Candidate against current' measures it" in answer.json()["detail"]
    stop_experiment(experiment=experiment)
    assert api.delete(f"{BASE}/metrics/basket").status_code == 204


def test_another_organization_has_metrics_of_its_own(api: StrangerAPIClient, other_api: StrangerAPIClient) -> None:
    define(api)
    for answer in (
        other_api.get(f"{BASE}/metrics/basket"),
        other_api.patch(f"{BASE}/metrics/basket", {"label": "Mine"}, format="json"),
        other_api.delete(f"{BASE}/metrics/basket"),
    ):
        assert answer.status_code == 404
    assert define(other_api).status_code == 201


def test_each_item_of_a_batch_is_taken_or_refused(api: StrangerAPIClient, agent: Agent) -> None:
    define(api, name="visits", shape="count")
    item = {"agent_id": agent.external_id, "user_id": "a", "metric": "visits"}
    answer = api.post(f"{BASE}/outcomes/batch", {"items": [item, item | {"metric": "no"}, {}]}, format="json").json()
    assert [row["status"] for row in answer["results"]] == [201, 404, 400]


def test_a_batch_of_outcomes_takes_as_many_queries_as_one(agent: Agent) -> None:
    create_metric(name="visits", label="Visits", shape="count")
    counts = []
    for number in (1, 50):
        items = [
            {
                "agent_id": agent.external_id,
                "user_id": f"u{place}",
                "metric": "visits",
                "idempotency_key": f"{number}-{place}",
            }
            for place in range(number)
        ]
        with CaptureQueriesContext(connection) as queries:
            outcomes = report_outcomes(items=items)
        counts.append(len(queries))
        assert len({one.stored_id() for one in outcomes}) == number and not any(one.replayed for one in outcomes)
    assert counts[0] == counts[1]


def test_a_key_that_comes_twice_in_a_batch_is_stored_once(agent: Agent) -> None:
    create_metric(name="visits", label="Visits", shape="count")
    item = {"agent_id": agent.external_id, "user_id": "a", "metric": "visits", "idempotency_key": "k"}
    first, again, other = report_outcomes(items=[item, item, item | {"user_id": "b"}])
    assert first.stored_id() == again.stored_id() and (first.replayed, again.replayed) in {(False, True), (True, False)}
    assert isinstance(other.refusal, Conflict) and OutcomeEvent.objects.count() == 1
