"""Outcomes are read in as they come, and the sums are always those of a fresh look at everything."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from experiments.models import (
    Experiment,
    Exposure,
    OutcomeEvent,
    OutcomeMark,
    OutcomeProgress,
    OutcomeSum,
    UnitOutcome,
)
from experiments.services import lifecycle
from experiments.services.creation import create_experiment, halves
from experiments.services.deployments import deploy_config
from experiments.services.erasure import forget_exposures
from experiments.services.outcome_check import find_wrong_outcomes, rebuild_outcomes
from experiments.services.outcome_keeping import read_in
from experiments.services.outcomes import Outcomes, stored_outcomes
from experiments.stats.sufficient import Sums
from learning.models import AgentFeedback, Execution
from organizations.erasers import Person
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.experiments.audience import rate, report, run_users
from tests.experiments.test_analysis import EVERY, asks

MORE = [*EVERY, {"name": "rating"}, {"name": "report_rate"}, {"name": "tokens"}, {"name": "cost"}]
PURCHASES = {"name": "purchases", "definition": {"label": "purchases", "description": "", "shape": "count"}}
BASKET = {"name": "basket", "definition": {"label": "basket", "description": "", "shape": "ratio"}}
BOUGHT = {"name": "bought", "definition": {"label": "bought", "description": "", "shape": "binary", "rate": True}}
SECONDS = {"name": "seconds", "definition": {"label": "seconds", "description": "", "shape": "continuous"}}


def start(draft: Any, metrics: list[dict[str, Any]]) -> Experiment:
    experiment = draft()
    named = [{"role": "success", "margin": 0} | item for item in metrics]
    Experiment.objects.filter(pk=experiment.pk).update(metrics=named)
    experiment.refresh_from_db()
    return lifecycle.start_experiment(experiment=experiment)


@pytest.fixture
def running(draft: Any) -> Experiment:
    return start(draft, MORE)


def read(experiment: Experiment) -> int:
    return read_in(experiment=experiment, variants=list(experiment.variants.order_by("position")))


def outcomes(experiment: Experiment) -> Outcomes:
    read(experiment)
    return stored_outcomes(experiment=experiment, variants=list(experiment.variants.order_by("position")))


def total(experiment: Experiment, metric: str) -> Sums:
    found = outcomes(experiment)
    return found.sums("control", metric) + found.sums("treatment", metric)


def settle_everything(experiment: Experiment) -> None:
    """As if a long time had passed since everything was stored."""
    OutcomeProgress.objects.filter(experiment=experiment).update(read_until=timezone.now() + timedelta(seconds=1))


def test_a_look_touches_the_units_that_something_has_come_of(running: Experiment) -> None:
    run_users(running, 20, {"control": 0.5, "treatment": 0.5})
    assert read(running) == 20
    settle_everything(running)
    assert read(running) == 0
    asks(running, "user-3", status="failed")
    OutcomeProgress.objects.update(read_until=timezone.now() - timedelta(hours=1))
    assert read(running) == 1


def test_a_unit_of_which_nothing_new_is_to_be_said_is_not_written(running: Experiment) -> None:
    (first, *_) = run_users(running, 2, {"control": 0.5, "treatment": 0.5}, more=lambda arm, rng: {"duration_ms": 5})
    read(running)
    before = versions()
    asks(running, first.user, duration_ms=5)
    assert read(running) == 0
    assert versions() == before
    asks(running, first.user, duration_ms=7)
    assert read(running) == 1
    assert len(versions() - before) == 1


def versions() -> set[tuple[str, ...]]:
    """Of the units' rows: by whom they were written, and locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, xmin::text, xmax::text FROM experiments_unitoutcome")
        return set(cursor.fetchall())


def test_an_outcome_that_changes_is_taken_back_and_added_anew(running: Experiment) -> None:
    executions = run_users(running, 30, {"control": 0.5, "treatment": 0.5}, more=lambda arm, rng: {"duration_ms": 0.1})
    before = total(running, "satisfaction")
    settle_everything(running)
    feedback = AgentFeedback.objects.filter(feedback_type="thumbs_up").first()
    AgentFeedback.objects.filter(pk=feedback.pk).update(feedback_type="thumbs_down")
    Execution.objects.filter(pk=executions[0].pk).update(duration_ms=0.3)
    assert read(running) == 2
    assert OutcomeMark.objects.count() == 0
    after = total(running, "satisfaction")
    assert after.n == before.n == 30 and after.means[0] == pytest.approx(before.means[0] - 1 / 30)
    assert find_wrong_outcomes(experiment=running) == []
    AgentFeedback.objects.filter(pk=feedback.pk).update(feedback_type="thumbs_up")
    Execution.objects.filter(pk=executions[0].pk).update(duration_ms=0.1)
    assert read(running) == 2
    rows = OutcomeSum.objects.filter(metric="latency")
    assert sum(row.totals[0] for row in rows) == Decimal("3"), "no dust of rounding stays"


def test_sums_are_those_of_a_fresh_look_whatever_happens(agent: Any, running: Experiment) -> None:
    rng = random.Random(5)
    users = [f"user-{number}" for number in range(12)]
    for step in range(12):
        for user in rng.sample(users, 4):
            for execution in asks(running, user, rng.choice((1, 2)), duration_ms=rng.random() * 1000, cost="0.00013"):
                if rng.random() < 0.5:
                    rate(execution, feedback_type="star_rating", rating=rng.randint(1, 5))
        if step % 3 == 1:
            wrong = rng.choice(users)
            report(agent, [{"user_id": wrong, "variant": rng.choice(("control", "treatment"))}])
        if step % 3 == 2:
            AgentFeedback.objects.filter(pk=AgentFeedback.objects.order_by("?").first().pk).delete()
            Execution.objects.filter(pk=rng.choice(list(Execution.objects.order_by("id"))).pk).update(status="failed")
        read(running)
    assert find_wrong_outcomes(experiment=running) == []
    stored = set(OutcomeSum.objects.values_list("arm", "metric", "n"))
    assert rebuild_outcomes(experiment=running) == UnitOutcome.objects.count()
    assert set(OutcomeSum.objects.values_list("arm", "metric", "n")) == stored
    assert find_wrong_outcomes(experiment=running) == []


def test_a_wrong_sum_and_a_wrong_row_are_found(running: Experiment) -> None:
    run_users(running, 6, {"control": 1, "treatment": 0})
    read(running)
    OutcomeSum.objects.filter(metric="satisfaction").update(n=99)
    UnitOutcome.objects.filter(pk=UnitOutcome.objects.first().pk).update(rated=False)
    settle_everything(running)
    assert find_wrong_outcomes(experiment=running) == [
        "1 units have other outcomes than are stored",
        "the sums are not those of the units",
        "the numbers of units are not those of the units",
    ]
    rebuild_outcomes(experiment=running)
    assert find_wrong_outcomes(experiment=running) == []


def test_what_is_stored_late_is_marked_and_found(running: Experiment) -> None:
    first, second = asks(running, "a")[0], asks(running, "b")[0]
    read(running)
    OutcomeProgress.objects.update(read_until=timezone.now() + timedelta(hours=1))
    late = rate(first)
    assert read(running) == 0, "the cursor is behind it"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM experiments_outcomemark")
    AgentFeedback.objects.filter(pk=late.pk).update(created_at=timezone.now())
    Execution.objects.filter(pk=second.pk).delete()
    assert set(OutcomeMark.objects.values_list("unit", flat=True)) == {"a", "b"}
    assert read(running) == 2
    assert total(running, "satisfaction").n == 1


def test_nothing_is_marked_while_no_experiment_is_live(running: Experiment) -> None:
    execution = asks(running, "a")[0]
    read(running)
    lifecycle.stop_experiment(experiment=running)
    Execution.objects.filter(pk=execution.pk).update(status="failed")
    assert OutcomeMark.objects.count() == 0


def test_a_unit_counts_when_its_window_is_over_with_what_came_inside(draft: Any) -> None:
    experiment = start(draft, [{"name": "satisfaction", "maturity_hours": 24}, {"name": "error_rate"}])
    execution, other = asks(experiment, "a")[0], asks(experiment, "b")[0]
    rate(execution)
    rate(other, feedback_type="thumbs_down")
    found = outcomes(experiment)
    assert (found.units.total(), found.matured.total()) == (2, 0)
    assert total(experiment, "satisfaction").n == 0 and total(experiment, "error_rate").n == 2
    settle_everything(experiment)
    long_ago = timezone.now() - timedelta(hours=25)
    Experiment.objects.filter(pk=experiment.pk).update(started_at=long_ago)
    experiment.refresh_from_db()
    AgentFeedback.objects.filter(execution=execution).update(created_at=long_ago + timedelta(hours=23))
    Exposure.objects.filter(unit="a").update(exposed_at=long_ago)
    assert read(experiment) == 1
    assert total(experiment, "satisfaction").n == 1
    assert outcomes(experiment).matured.total() == 1
    Exposure.objects.filter(unit="b").update(exposed_at=long_ago)
    AgentFeedback.objects.filter(execution=other).update(created_at=long_ago + timedelta(hours=24, minutes=1))
    assert total(experiment, "satisfaction").n == 1, "its rating came after the window"
    assert outcomes(experiment).matured.total() == 2
    assert find_wrong_outcomes(experiment=experiment) == []


def test_a_window_that_ends_between_two_looks_is_noticed(draft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = start(draft, [{"name": "net_satisfaction", "maturity_hours": 1}])
    asks(experiment, "a")
    assert total(experiment, "net_satisfaction").n == 0
    settle_everything(experiment)
    later = timezone.now() + timedelta(minutes=61)
    monkeypatch.setattr("experiments.services.outcome_keeping.timezone.now", lambda: later)
    assert total(experiment, "net_satisfaction").n == 1
    assert UnitOutcome.objects.get().due_at is None


def test_outcomes_are_winsorised_as_was_declared(draft: Any) -> None:
    experiment = start(draft, [{"name": "latency", "winsorise": [50, 200]}])
    for user, duration in (("a", 10), ("b", 100), ("c", 1e300)):
        asks(experiment, user, duration_ms=duration)
    read(experiment)
    assert sorted(row.values[0] for row in UnitOutcome.objects.all()) == [50, 100, 200]


def test_what_an_application_reports_counts_from_the_exposure_on(agent: Any, draft: Any) -> None:
    experiment = start(draft, [PURCHASES, BASKET, BOUGHT, SECONDS])
    for user in ("a", "b"):
        asks(experiment, user)
    now = timezone.now()
    for metric, value, below, moment in (
        ("purchases", 1, None, now), ("purchases", 2, None, now), ("purchases", 9, None, now - timedelta(days=1)),
        ("basket", 30, 2, now), ("basket", 12, 1, now), ("bought", 1, None, now),
        ("seconds", 4, None, now), ("seconds", 8, None, now),
    ):  # fmt: skip
        OutcomeEvent.objects.create(
            agent=agent, unit="a", metric=metric, value=value, denominator=below, occurred_at=moment
        )
    read(experiment)
    by_unit = dict(Exposure.objects.values_list("unit", "id"))
    assert UnitOutcome.objects.get(pk=by_unit["a"]).values == [3, 42, 3, 1, 6]
    assert UnitOutcome.objects.get(pk=by_unit["b"]).values == [0, 0, 0, 0, None]
    assert total(experiment, "basket").means == pytest.approx([21, 1.5])


def test_what_a_user_did_before_the_experiment_is_known_of_it(agent: Any, draft: Any) -> None:
    old = report(agent, [{"user_id": "a", "status": "failed"}, {"user_id": "a"}])
    rate(old[0])
    Execution.objects.filter(pk__in=[one.pk for one in old]).update(created_at=timezone.now())
    experiment = start(draft, [{"name": "error_rate"}, {"name": "satisfaction"}])
    Experiment.objects.filter(pk=experiment.pk)
    asks(experiment, "a")
    asks(experiment, "b")
    read(experiment)
    by_unit = dict(Exposure.objects.values_list("unit", "id"))
    assert UnitOutcome.objects.get(pk=by_unit["a"]).values == [0, 0.5, 1, None, 1, 1]
    assert UnitOutcome.objects.get(pk=by_unit["b"]).values == [0, 0, 0, None, 0, 0]


def test_somebody_who_is_forgotten_leaves_sums_without_them(running: Experiment) -> None:
    run_users(running, 10, {"control": 1, "treatment": 0})
    assert read(running) == 10
    assert forget_exposures(Person("user-3"), dry_run=True)["exposures"] == 1
    assert forget_exposures(Person("user-3"))["exposures"] == 1
    assert UnitOutcome.objects.count() == 9
    found = stored_outcomes(experiment=running, variants=list(running.variants.all()))
    assert found.units.total() == 9
    AgentFeedback.objects.filter(user="user-3").delete()
    Execution.objects.filter(user="user-3").delete()
    OutcomeMark.objects.all().delete()
    assert find_wrong_outcomes(experiment=running) == []


def test_a_forgotten_session_leaves_nothing_and_users_of_the_same_name_stay(agent: Any, draft: Any) -> None:
    experiment = lifecycle.start_experiment(experiment=draft(unit="session"))
    other = factories.make_agent()
    rows = [
        {"user_id": "ada", "execution_id": "7", "variant": "control", "context": {"session_id": "s-1"}},
        {"user_id": "bob", "execution_id": "8", "variant": "control", "metadata": {"session_id": "s-2"}},
        {"user_id": "7", "execution_id": "9", "variant": "control"},
    ]
    executions = report(agent, rows)
    read(experiment)
    OutcomeEvent.objects.bulk_create(
        OutcomeEvent(agent=owner, metric="visits", unit=unit, occurred_at=timezone.now())
        for owner, unit in ((agent, "ada"), (agent, "s-1"), (agent, "s-2"), (agent, "7"), (other, "s-1"))
    )
    person = Person("ada", execution_ids=[executions[0].pk])
    assert forget_exposures(person, dry_run=True) == {"exposures": 1, "testers": 0, "reported outcomes": 2}
    assert forget_exposures(person) == {"exposures": 1, "testers": 0, "reported outcomes": 2}
    assert list(Exposure.objects.values_list("unit", flat=True)) == ["s-2"]
    assert UnitOutcome.objects.count() == 1
    assert sorted(OutcomeEvent.objects.values_list("agent", "unit")) == sorted(
        [(agent.pk, "7"), (agent.pk, "s-2"), (other.pk, "s-1")]
    )


def test_squares_of_large_numbers_lose_nothing(draft: Any) -> None:
    experiment = start(draft, [{"name": "latency"}])
    for user, extra in (("a", 0), ("b", 1), ("c", 2), ("d", 3)):
        asks(experiment, user, duration_ms=1e9 + extra)
    assert total(experiment, "latency").moments.m2 == pytest.approx(5.0, rel=1e-9)


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_and_one_that_crashes_count_everything_once(organization: Organization) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        deploy_config(agent=agent, config=factories.make_config(agent, content={"system_prompt": "current"}))
        agent.refresh_from_db()
        arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
        running = lifecycle.start_experiment(experiment=create_experiment(agent=agent, name="Both", arms=arms))
        run_users(running, 40, {"control": 1, "treatment": 0})
    with pytest.raises(RuntimeError), organization_scope(organization.pk):
        read(running)
        raise RuntimeError("the machine is switched off")

    def another() -> None:
        with organization_scope(organization.pk):
            read(running)
        connection.close()

    threads = [threading.Thread(target=another) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with organization_scope(organization.pk):
        assert find_wrong_outcomes(experiment=running) == []
        assert outcomes(running).units.total() == UnitOutcome.objects.count() == 40
