"""What people press, and what is frozen afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from experiments.models import Experiment, ExperimentStatus, Variant
from experiments.services import lifecycle
from experiments.services.creation import ArmPlan, update_draft
from experiments.services.deployments import deploy_config
from learning.models import Agent, AgentConfig
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent
from organizations.transitions import IllegalTransition, LostRace, move
from tests import factories


def test_an_experiment_goes_from_draft_to_running_to_completed(draft: Any) -> None:
    experiment = draft()
    assert (experiment.status, experiment.metrics[0]["name"]) == ("draft", "net_satisfaction")
    lifecycle.start_experiment(experiment=experiment)
    assert experiment.started_at is not None
    lifecycle.pause_experiment(experiment=experiment)
    lifecycle.resume_experiment(experiment=experiment)
    analysis = lifecycle.complete_experiment(experiment=experiment)
    experiment.refresh_from_db()
    assert (experiment.status, analysis.verdict) == ("completed", "inconclusive")
    events = AuditEvent.objects.filter(target_id=str(experiment.pk)).order_by("id")
    assert [event.action.removeprefix("experiment.") for event in events] == [
        "created", "running", "paused", "running", "completed",
    ]  # fmt: skip


STEPS = {
    "running": lifecycle.resume_experiment,
    "paused": lifecycle.pause_experiment,
    "stopped": lifecycle.stop_experiment,
    "completed": lifecycle.complete_experiment,
}


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("status", ExperimentStatus.values)
def test_only_the_steps_of_the_table_are_possible(experiment: Experiment, status: str, to: str) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(status=status)
    experiment.refresh_from_db()
    if to in Experiment.TRANSITIONS[status]:
        STEPS[to](experiment=experiment)
        experiment.refresh_from_db()
        assert experiment.status == to
    else:
        with pytest.raises(IllegalTransition):
            STEPS[to](experiment=experiment)


def test_of_two_people_who_press_at_once_one_is_told(experiment: Experiment) -> None:
    other = Experiment.objects.get(pk=experiment.pk)
    lifecycle.pause_experiment(experiment=experiment)
    with pytest.raises(LostRace):
        lifecycle.stop_experiment(experiment=other)


def test_pauses_do_not_count_as_running_time(experiment: Experiment) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(running_since=timezone.now() - timedelta(hours=5))
    lifecycle.pause_experiment(experiment=experiment)
    assert experiment.hours(timezone.now() + timedelta(hours=100)) == pytest.approx(5, abs=0.01)
    lifecycle.resume_experiment(experiment=experiment)
    assert experiment.hours(timezone.now() + timedelta(hours=2)) == pytest.approx(7, abs=0.01)


@pytest.mark.parametrize("to", ["paused", "stopped", "completed"])
def test_a_pause_that_somebody_else_has_just_ended_does_not_count_either(experiment: Experiment, to: str) -> None:
    five_hours_ago = timezone.now() - timedelta(hours=5)
    Experiment.objects.filter(pk=experiment.pk).update(running_since=five_hours_ago)
    stale = Experiment.objects.get(pk=experiment.pk)
    lifecycle.pause_experiment(experiment=experiment)
    lifecycle.resume_experiment(experiment=experiment)
    # The pause took three of the hours.
    Experiment.objects.filter(pk=experiment.pk).update(
        ran_seconds=3600, running_since=five_hours_ago + timedelta(hours=4)
    )
    STEPS[to](experiment=stale)
    assert Experiment.objects.get(pk=experiment.pk).hours() == stale.hours() == pytest.approx(2, abs=0.01)


def test_a_config_without_approval_cannot_be_compared(agent: Agent, draft: Any) -> None:
    raw = factories.make_config(agent, status="candidate")
    arms = [ArmPlan("control", agent.serving_config, 50, is_control=True), ArmPlan("treatment", raw, 50)]
    with pytest.raises(Conflict, match="must pass the gate"):
        draft(arms=arms)


def test_a_config_retired_meanwhile_cannot_be_started(candidate: AgentConfig, draft: Any) -> None:
    experiment = draft()
    move(candidate, "retired")
    with pytest.raises(Conflict):
        lifecycle.start_experiment(experiment=experiment)


def test_one_experiment_at_a_time_decides_for_an_agent(experiment: Experiment, draft: Any) -> None:
    second = draft()
    with pytest.raises(Conflict, match="Another experiment"):
        lifecycle.start_experiment(experiment=second)
    second.refresh_from_db()
    assert second.status == "draft"
    lifecycle.stop_experiment(experiment=experiment)
    lifecycle.start_experiment(experiment=second)


def test_no_experiment_starts_beside_a_partial_deployment(agent: Agent, candidate: AgentConfig, draft: Any) -> None:
    deploy_config(agent=agent, config=candidate, share=10)
    with pytest.raises(Conflict, match="serves a share"):
        lifecycle.start_experiment(experiment=draft())


def test_a_draft_can_be_changed(draft: Any) -> None:
    experiment = update_draft(experiment=draft(), traffic=12.5, minimum_units=77, name="Better name")
    assert (experiment.coverage, experiment.share, experiment.minimum_units) == (1250, 12.5, 77)
    assert experiment.name == "Better name"


def test_a_started_experiment_is_frozen_for_services(experiment: Experiment) -> None:
    with pytest.raises(Conflict, match="frozen"):
        update_draft(experiment=experiment, minimum_units=1)


@pytest.mark.parametrize(
    "change",
    [
        {"coverage": 5000},
        {"metrics": []},
        {"alpha": 0.2},
        {"planned_units": 7},
        {"minimum_units": 1},
        {"minimum_hours": 1},
        {"salt": "0" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_started_experiment_is_frozen_in_the_database(experiment: Experiment, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(**change)
    assert Experiment.objects.filter(pk=experiment.pk).update(name="Names may change") == 1


def test_the_arms_of_a_started_experiment_are_frozen_in_the_database(experiment: Experiment) -> None:
    arms = Variant.objects.filter(experiment=experiment)
    for change in (
        lambda: arms.update(buckets=1),
        lambda: arms.filter(is_control=False).delete(),
        lambda: Variant.objects.create(
            experiment=experiment, key="late", config=experiment.agent.serving_config, position=9, buckets=1
        ),
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            change()


def test_a_salt_never_changes_not_even_of_a_draft(draft: Any) -> None:
    experiment = draft()
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(salt="0" * 32)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"traffic": 0}, "must take part"),
        ({"traffic": 100.001}, "between 0 and 100"),
        ({"traffic": 0.005}, "steps of 0.01"),
        ({"metrics": []}, "at least one success"),
        ({"metrics": [{"name": "error_rate", "role": "guardrail"}]}, "at least one success"),
        ({"metrics": [{"name": "happiness"}]}, "no metric"),
        ({"metrics": [{"name": "latency"}, {"name": "latency"}]}, "named once"),
        ({"metrics": [{"name": "latency", "role": "decoration"}]}, "role"),
        ({"metrics": [{"name": "latency", "margin": -1}]}, "negative"),
    ],
)
def test_an_impossible_plan_is_refused(draft: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        draft(**values)


def test_impossible_arms_are_refused(agent: Agent, candidate: AgentConfig, draft: Any) -> None:
    control = ArmPlan("control", agent.serving_config, 50, is_control=True)
    stranger = factories.make_config(factories.make_agent())
    for arms, message in (
        ([control, ArmPlan("treatment", candidate, 49)], "sum to 100"),
        ([control], "two or more"),
        ([control, ArmPlan("control", candidate, 50)], "different keys"),
        ([control, ArmPlan("treatment", agent.serving_config, 50)], "config of its own"),
        ([ArmPlan("a", agent.serving_config, 50), ArmPlan("b", candidate, 50)], "one arm is control"),
        ([control, ArmPlan("treatment", stranger, 50)], "another agent"),
    ):
        with pytest.raises(Refused, match=message):
            draft(arms=arms)
