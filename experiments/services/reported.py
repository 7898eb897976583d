"""Metrics of the application's own, and what it reports of its users under them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from experiments.metrics import CATALOGUE
from experiments.models import CustomMetric, Experiment, ExperimentStatus, Exposure, MetricShape, OutcomeEvent
from experiments.models.experiments import LIVE
from experiments.services.names import named
from learning.models import Agent
from learning.services.agent_directory import resolve_agents
from learning.services.intake import Outcome, digest_of
from organizations import audit
from organizations.errors import Conflict, Missing, Refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
DECIDING = ("higher_is_better", "maturity_hours", "low", "high")  # frozen while it is measured
REUSED_KEY = "This idempotency_key was used for another outcome."


def create_metric(*, name: str, label: str, shape: str, **values: Any) -> CustomMetric:
    """`values`: description, higher_is_better, unit, maturity_hours, low and high (what lies beyond counts as these).

    Raises Refused for an impossible definition and Conflict for a name that is taken.
    """
    if not NAME.fullmatch(name):
        raise Refused("A name has small letters, digits and underscores, and begins with a letter.", "name")
    if name in CATALOGUE:
        raise Conflict(f"{name!r} is measured already, from executions and feedback.", "name")
    label = named(label, noun="metric", field="label")
    _check_limits(values.get("low"), values.get("high"))
    try:
        with transaction.atomic():
            metric = CustomMetric.objects.create(name=name, label=label, shape=shape, **values)
    except IntegrityError as error:
        raise Conflict(f"There is a metric {name!r} already.", "name") from error
    audit.record(action="metric.created", target=metric, after={"name": name, "shape": shape})
    return metric


def update_metric(*, metric: CustomMetric, **values: Any) -> CustomMetric:
    """Change what is said of a metric, and what decides about it while no experiment that measures it goes on.

    Raises Refused for another name or shape, which what was reported has, or an empty label; Conflict for what is
    frozen.
    """
    for field in ("name", "shape"):
        if field in values and values[field] != getattr(metric, field):
            raise Refused(f"A metric keeps its {field}, which outcomes are reported by. Define another one.", field)
    if "label" in values:
        values["label"] = named(values["label"], noun="metric", field="label")
    with transaction.atomic():
        metric = CustomMetric.objects.select_for_update(no_key=True).get(pk=metric.pk)
        changes = {field: value for field, value in values.items() if value != getattr(metric, field)}
        frozen = next((field for field in DECIDING if field in changes), None)
        if frozen and (going_on := _measuring(metric, LIVE)):
            raise Conflict(f"{frozen} is frozen while {going_on} measures it. Stop or complete that first.", frozen)
        _check_limits(changes.get("low", metric.low), changes.get("high", metric.high))
        if not changes:
            return metric
        before = {field: getattr(metric, field) for field in changes}
        for field, value in changes.items():
            setattr(metric, field, value)
        metric.save()
        audit.record(action="metric.changed", target=metric, before=before, after=changes)
    return metric


def delete_metric(*, metric: CustomMetric) -> None:
    """Nothing can be reported under it any more; what was reported stays. Raises Conflict while it is measured."""
    if measuring := _measuring(metric, (ExperimentStatus.DRAFT, *LIVE)):
        raise Conflict(f"{measuring} measures it. Stop it or take the metric out of the draft first.", "name")
    with transaction.atomic():
        audit.record(action="metric.deleted", target=metric, before={"name": metric.name, "shape": metric.shape})
        metric.delete()


def _measuring(metric: CustomMetric, statuses: Sequence[str]) -> str:
    """The newest experiment of these states that has the metric, in words; "" when none has."""
    rows = Experiment.objects.filter(status__in=statuses, metrics__contains=[{"name": metric.name}])
    newest = rows.order_by("-id").first()
    return f"the experiment {newest.name!r}" if newest else ""


def _check_limits(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low >= high:
        raise Refused("The lower limit lies below the upper one.", "low")


def report_outcomes(*, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Store what users did, each item on its own; the outcomes in the order of the items. As many queries as for one.

    item: agent_id, user_id (or whatever the experiment's unit is), metric, and optionally value (1; of a binary metric
    0 or 1), denominator, occurred_at (now), idempotency_key, experiment_id. The same key with the same content is
    stored once.
    """
    known = _known(items)
    prepared: list[OutcomeEvent | Refused] = []
    for item in items:
        try:
            prepared.append(_event(item, known))
        except Refused as refusal:
            prepared.append(refusal)
    # In one order: two batches that hold the same keys would wait for each other.
    events = sorted(
        (one for one in prepared if isinstance(one, OutcomeEvent)), key=lambda one: one.idempotency_key or ""
    )
    OutcomeEvent.objects.bulk_create(events, ignore_conflicts=True)
    stored = _stored([one.idempotency_key for one in events if one.idempotency_key])
    return [_outcome(one, stored) for one in prepared]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the items of a request name, by what they call it; exposures by experiment and unit."""

    metrics: Mapping[str, CustomMetric]
    agents: Mapping[str, Agent]
    experiments: Mapping[UUID, Experiment]
    exposures: Mapping[tuple[UUID, str], datetime]


def _known(items: Sequence[Mapping[str, Any]]) -> _Known:
    experiments = Experiment.objects.in_bulk({one["experiment_id"] for one in items if "experiment_id" in one})
    units = [one["user_id"] for one in items if one.get("experiment_id") in experiments]
    rows = Exposure.objects.filter(experiment__in=list(experiments), unit__in=units) if units else []
    return _Known(
        {one.name: one for one in CustomMetric.objects.filter(name__in={one["metric"] for one in items})},
        resolve_agents(names={one["agent_id"] for one in items}, may_register=False),
        experiments,
        {(row.experiment_id, row.unit): row.exposed_at for row in rows},
    )


def _event(item: Mapping[str, Any], known: _Known) -> OutcomeEvent:
    metric, agent = known.metrics.get(item["metric"]), known.agents.get(item["agent_id"])
    if metric is None:
        raise Missing(f"There is no metric {item['metric']!r}. Create it first: POST metrics.", "metric")
    if agent is None:
        raise Missing(f"There is no agent {item['agent_id']!r}.", "agent_id")
    _check_value(metric, item)
    _check_denominator(metric, item)
    event = OutcomeEvent(
        agent=agent,
        metric=metric.name,
        unit=item["user_id"],
        value=item.get("value", 1.0),
        denominator=item.get("denominator"),
        occurred_at=item.get("occurred_at") or timezone.now(),
        idempotency_key=item.get("idempotency_key"),
        digest=digest_of({key: value for key, value in item.items() if key != "idempotency_key"}),
    )
    if "experiment_id" in item:
        _check_exposure(event, item, known)
    return event


def _check_value(metric: CustomMetric, item: Mapping[str, Any]) -> None:
    given = item.get("value", 1.0)
    if metric.shape == MetricShape.BINARY and given not in (0, 1):
        raise Refused(
            f"{metric.name!r} happened or did not: report 1 or 0, not {given:.15g}. A metric of another shape counts or"
            " measures.",
            "value",
        )


def _check_denominator(metric: CustomMetric, item: Mapping[str, Any]) -> None:
    given = item.get("denominator")
    if metric.shape == MetricShape.RATIO and (given is None or given <= 0):
        raise Refused("A ratio needs a denominator above zero.", "denominator")
    if metric.shape != MetricShape.RATIO and given is not None:
        raise Refused(f"{metric.name!r} is no ratio and has no denominator.", "denominator")


def _check_exposure(event: OutcomeEvent, item: Mapping[str, Any], known: _Known) -> None:
    """An application that says for which experiment it reports is told when that cannot count it."""
    experiment = known.experiments.get(item["experiment_id"])
    if experiment is None or experiment.agent_id != event.agent_id:
        raise Missing(f"Agent {item['agent_id']!r} has no experiment {item['experiment_id']}.", "experiment_id")
    if event.metric not in {one["name"] for one in experiment.metrics}:
        raise Conflict(f"The experiment does not measure {event.metric!r}.", "metric")
    exposed_at = known.exposures.get((experiment.pk, event.unit))
    if exposed_at is None:
        raise Conflict(
            "This user has not met the experiment yet, so nothing counts. Record the exposure first.", "user_id"
        )
    if event.occurred_at < exposed_at:
        raise Conflict("This happened before the user met the experiment, so it cannot count.", "occurred_at")


def _stored(keys: Sequence[str]) -> dict[str | None, tuple[UUID, str]]:
    """A statement of its own, so that it sees what a request beside this one has stored first."""
    rows = OutcomeEvent.objects.filter(idempotency_key__in=keys) if keys else OutcomeEvent.objects.none()
    return {key: (pk, digest) for key, pk, digest in rows.values_list("idempotency_key", "pk", "digest")}


def _outcome(event: OutcomeEvent | Refused, stored: Mapping[str | None, tuple[UUID, str]]) -> Outcome:
    if isinstance(event, Refused):
        return Outcome(refusal=event)
    pk, digest = stored.get(event.idempotency_key, (event.pk, event.digest))
    if digest != event.digest:
        return Outcome(refusal=Conflict(REUSED_KEY, "idempotency_key"))
    return Outcome(id=pk, replayed=pk != event.pk)
