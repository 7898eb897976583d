"""What a metric was among an agent's units before an experiment, as the plan takes it."""

from __future__ import annotations

from datetime import timedelta
from statistics import mean, stdev
from typing import Any

import pytest
from django.utils import timezone

from experiments.models import OutcomeEvent
from experiments.services import traffic
from experiments.services.baselines import Baseline, baseline_of
from experiments.services.reported import create_metric
from experiments.services.traffic import units_a_day
from learning.models import Agent
from tests.experiments.audience import rate, report


def measured(agent: Agent, name: str, **item: Any) -> Baseline:
    return baseline_of(agent=agent, unit=item.pop("unit", "user"), item={"name": name, "role": "success"} | item)


@pytest.fixture
def seen(agent: Agent) -> Agent:
    """Anna asks twice and likes one answer, Ben once and dislikes it, Cem once and says nothing; one is nobody's."""
    users = ["anna", "anna", "ben", "cem", ""]
    spent = [100, 300, 400, 900, 5]
    runs = report(agent, [{"user_id": user, "duration_ms": ms} for user, ms in zip(users, spent, strict=True)])
    rate(runs[0])
    rate(runs[2], feedback_type="thumbs_down")
    rate(runs[2], feedback_type="correction", correction_text="Soon.")
    return agent


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("net_satisfaction", [1, -1, 0]),
        ("satisfaction", [1, 0]),
        ("correction_rate", [0, 1, 0]),
        ("latency", [200, 400, 900]),
    ],
)
def test_it_is_the_mean_and_the_spread_of_units_with_an_outcome(seen: Agent, metric: str, values: list[float]) -> None:
    found = measured(seen, metric)
    assert (found.units, found.measured) == (3, len(values))
    assert (found.mean, found.deviation) == (pytest.approx(mean(values)), pytest.approx(stdev(values)))


def test_declared_limits_hold(seen: Agent) -> None:
    assert measured(seen, "latency", winsorise=[None, 500]).mean == pytest.approx((200 + 400 + 500) / 3)


def test_sessions_are_counted_where_executions_name_them(agent: Agent) -> None:
    report(agent, [{"context": {"session_id": name}, "duration_ms": 10} for name in ("a", "a", "b")] + [{}])
    assert measured(agent, "latency", unit="session").units == 2
    assert units_a_day(agent=agent, unit="session") == pytest.approx(2 / 7)


def test_units_a_day_count_what_was_read_with_and_without_a_unit(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest executions of a busy agent came within the hour, whether or not they name their user."""
    monkeypatch.setattr(traffic, "MOST", 4)
    report(agent, [{"user_id": user} for user in ("a", "", "b", "")])
    assert units_a_day(agent=agent, unit="user") == pytest.approx(2 * 24)


def test_older_executions_and_those_of_others_do_not_count(agent: Agent) -> None:
    report(agent, [{"user_id": "old", "duration_ms": 10, "started_at": timezone.now() - timedelta(days=8)}])
    found = measured(agent, "latency")
    assert (found.units, found.measured, found.mean, found.deviation, found.share) == (0, 0, None, None, None)


def test_what_the_application_reports_is_measured_too(seen: Agent) -> None:
    minutes = create_metric(name="minutes", label="minutes saved", shape="count").definition()
    solved = create_metric(name="solved", label="share solved", shape="ratio").definition()
    now = timezone.now()
    for unit, value in (("anna", 3), ("anna", 4), ("ben", 5)):
        OutcomeEvent.objects.create(agent=seen, metric="minutes", unit=unit, value=value, occurred_at=now)
    for unit, top, below in (("anna", 1, 2), ("ben", 3, 4)):
        OutcomeEvent.objects.create(
            agent=seen, metric="solved", unit=unit, value=top, denominator=below, occurred_at=now
        )
    found = measured(seen, "minutes", definition=minutes)
    assert (found.measured, found.mean, found.deviation) == (3, 4, pytest.approx(stdev([7, 5, 0])))
    share = measured(seen, "solved", definition=solved)
    ratio, each = 4 / 6, 2
    spread = stdev([(1 - ratio * 2) / each, (3 - ratio * 4) / each, 0])
    assert (share.mean, share.deviation) == (pytest.approx(ratio), pytest.approx(spread))
