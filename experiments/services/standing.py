"""A/A experiments that go on by themselves: the next begins when one has met its plan, until somebody stops it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Min

from experiments.models import Analysis, Experiment, ExperimentKind, ExperimentStatus, MetricResult, Variant
from experiments.services.creation import create_experiment, same_twice
from experiments.services.lifecycle import complete_experiment, start_experiment
from experiments.stats.terms import Role
from learning.models import Agent

KEPT = ("hypothesis", "unit", "minimum_units", "minimum_hours", "planned_units", "alpha")


@dataclass(frozen=True, slots=True)
class AaRecord:
    """Finished A/A experiments, and how many of them called a difference that cannot be there."""

    finished: int
    false_positives: int

    @property
    def rate(self) -> float | None:
        """The false-positive rate; None before the first has finished."""
        return self.false_positives / self.finished if self.finished else None


def create_aa(*, agent: Agent, name: str = "", **values: Any) -> Experiment:
    """A draft of an A/A on what serves the agent now; the fields of create_experiment. Raises Refused without one."""
    arms = same_twice(agent=agent)
    called = name or f"A/A of {agent.name}"[:200]
    return create_experiment(agent=agent, name=called, arms=arms, kind=ExperimentKind.AA, **values)


def renew_if_full(*, experiment: Experiment, analysis: Analysis) -> Experiment | None:
    """Complete an A/A that has met its plan and start the next, with a salt of its own; None while it goes on.

    The next has the config that serves by then: the one before may have been replaced or retired.
    """
    if experiment.kind != ExperimentKind.AA or analysis.total_units < experiment.planned_units:
        return None
    with transaction.atomic():
        complete_experiment(experiment=experiment)
        config = Variant.objects.select_related("config").get(experiment=experiment, is_control=True).config
        following = create_experiment(
            agent=experiment.agent,
            name=experiment.name,
            arms=same_twice(agent=experiment.agent, otherwise=config),
            kind=ExperimentKind.AA,
            metrics=experiment.metrics,
            created_by=experiment.created_by,
            **{field: getattr(experiment, field) for field in KEPT},
        )
        return start_experiment(experiment=following)


def aa_record() -> AaRecord:
    """Of all finished A/A experiments: a false positive has a success metric whose always-valid p fell to alpha.

    Alpha is divided by the number of success metrics: the first step of Holm's procedure, which decides whether any is
    called.
    """
    done = Experiment.objects.filter(kind=ExperimentKind.AA, status=ExperimentStatus.COMPLETED)
    smallest = (
        MetricResult.objects.filter(analysis__experiment__in=done, role=Role.SUCCESS.value)
        .values(alpha=F("analysis__experiment__alpha"), one=F("analysis__experiment"))
        .annotate(smallest=Min("p"), metrics=Count("metric", distinct=True))
    )
    false = [row for row in smallest if row["smallest"] * row["metrics"] <= row["alpha"]]
    return AaRecord(finished=done.count(), false_positives=len(false))
