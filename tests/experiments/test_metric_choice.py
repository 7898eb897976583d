"""The metrics of an experiment, as they are chosen for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from experiments.models import Experiment, OutcomeEvent
from experiments.services.analysis import analyse_experiment
from experiments.services.lifecycle import start_experiment
from experiments.services.reported import create_metric
from learning.models import Agent, AgentConfig
from organizations.errors import Refused
from tests.experiments.audience import report, run_users

BASE = "/api/learning"


def ask(api: Any, agent: Agent, candidate: AgentConfig, **metric: Any) -> Any:
    body = {"agent_id": agent.external_id, "name": "Trial", "candidate_config_id": str(candidate.pk)}
    return api.post(f"{BASE}/experiments", body | {"metrics": [metric]}, format="json")


def refused(answer: Any) -> tuple[int, str, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["field"], error["message"]


def test_a_long_tail_is_cut_where_the_past_says(api: Any, agent: Agent, candidate: AgentConfig) -> None:
    report(agent, [{"user_id": f"u{n % 120}", "duration_ms": 100 + n % 120} for n in range(240)])
    answer = ask(api, agent, candidate, name="latency", winsorise_share=0.05)
    assert answer.status_code == 201, answer.json()
    (metric,) = answer.json()["metrics"]
    assert metric["winsorise"] == [None, pytest.approx(213.05)]
    sessions = [{"user_id": "a", "context": {"session_id": f"s{n}"}, "duration_ms": 1000 + n} for n in range(150)]
    report(agent, sessions)
    draft = Experiment.objects.get()
    changed = {"unit": "session", "metrics": [{"name": "latency", "winsorise_share": 0.1}]}
    told = api.patch(f"{BASE}/experiments/{draft.pk}", changed, format="json").json()
    assert told["metrics"][0]["winsorise"] == [None, pytest.approx(1134.1)]


def test_so_is_a_count_of_the_applications_own(draft: Any, agent: Agent) -> None:
    create_metric(name="visits", label="Visits", shape="count")
    OutcomeEvent.objects.bulk_create(
        OutcomeEvent(agent=agent, metric="visits", unit=f"u{n % 100}", occurred_at=agent.created_at, value=n % 100)
        for n in range(200)
    )
    experiment = draft(metrics=[{"name": "visits", "winsorise_share": 0.01}])
    assert experiment.metrics[0]["winsorise"] == [None, pytest.approx(196.02)]


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("minimum_hours", "maturity_hours", "days"), [(168, 0, 1), (168, 24 * 20, 2), (24 * 20, 168, 1), (0, 0, 2)]
)
def test_the_past_is_watched_as_long_as_the_experiment_watches(
    draft: Any, agent: Agent, minimum_hours: float, maturity_hours: float, days: int
) -> None:
    """Everybody came on two days, ten days apart."""
    create_metric(name="visits", label="Visits", shape="count")
    moments = [timezone.now() - 12 * DAY, timezone.now() - 2 * DAY]
    OutcomeEvent.objects.bulk_create(
        OutcomeEvent(agent=agent, metric="visits", unit=f"u{n}", occurred_at=moment, value=n)
        for n in range(1, 102)
        for moment in moments
    )
    report(agent, [
        {"user_id": f"u{n}", "duration_ms": took + n, "started_at": moment}
        for took, moment in zip((1000, 3000), moments, strict=True)
        for n in range(101)
    ])  # fmt: skip
    item = {"winsorise_share": 0.01} | ({"maturity_hours": maturity_hours} if maturity_hours else {})
    metrics = [{"name": name} | item for name in ("visits", "latency")]
    visits, latency = draft(metrics=metrics, minimum_hours=minimum_hours).metrics
    assert visits["winsorise"][1] == pytest.approx(100 * days)
    assert latency["winsorise"][1] == pytest.approx(99 + 1000 * days)


@pytest.mark.parametrize(
    ("metric", "field", "words"),
    [
        ({"name": "latency", "winsorise_share": 0.01}, "winsorise_share", "at least 100 finite past outcomes"),
        ({"name": "error_rate", "winsorise_share": 0.01}, "winsorise_share", "no long tail"),
        ({"name": "rating", "winsorise_share": 0.01}, "winsorise_share", "no long tail"),
        ({"name": "latency", "winsorise_share": 0.1, "winsorise": [0, 9]}, "winsorise_share", "not both"),
        ({"name": "latency", "winsorise_share": 0.5}, "winsorise_share", "less than or equal"),
        ({"name": "latency", "winsorise": [9, 0]}, "winsorise", "lies below"),
        ({"name": "latency", "exact": True}, "exact", "rates alone"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_of_a_metric_is_refused(
    api: Any, agent: Agent, candidate: AgentConfig, metric: dict[str, Any], field: str, words: str
) -> None:
    status, named, message = refused(ask(api, agent, candidate, **metric))
    assert (status, named, words in message) == (400, f"metrics.0.{field}", True), message


def test_a_rate_can_be_judged_by_exact_bounds_all_the_time(draft: Any) -> None:
    asked, usual = ({"name": "error_rate", "exact": True}, {"name": "error_rate"})
    for metric, known in ((asked, True), (usual, False)):
        experiment = start_experiment(experiment=draft(metrics=[metric]))
        run_users(experiment, 60, {}, before=f"user-{known}")
        row = analyse_experiment(experiment=experiment).results.get()
        assert (row.low is not None, row.short == 0) == (known, known), "nobody has failed yet"
        Experiment.objects.filter(pk=experiment.pk).update(status="completed")


def test_metrics_are_named_once_and_one_is_for_success(draft: Any) -> None:
    with pytest.raises(Refused, match="named once"):
        draft(metrics=[{"name": "latency"}, {"name": "latency", "role": "guardrail"}])
    with pytest.raises(Refused, match="success"):
        draft(metrics=[{"name": "latency", "role": "guardrail"}])
