"""Making an experiment from configs that may go before users, and changing it while it is a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from experiments.bucketing import BUCKETS, Split, buckets_of
from experiments.metrics import CATALOGUE, DEFAULT_METRICS
from experiments.models import Experiment, ExperimentStatus, Variant
from experiments.stats.terms import Role
from learning.models import Agent, AgentConfig
from learning.services.gate import require_approved
from organizations import audit
from organizations.errors import Conflict, Refused

CONTROL, TREATMENT = "control", "treatment"
SMALLEST_PLAN = 200  # units; below that a sequence tuned to the plan is needlessly wide afterwards
PLAIN = ("name", "hypothesis", "minimum_units", "minimum_hours", "planned_units", "alpha")


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One arm as asked for: its key, config, and share of the experiment's traffic in percent."""

    key: str
    config: AgentConfig
    percentage: float
    is_control: bool = False


def halves(*, candidate: AgentConfig, control: AgentConfig) -> list[ArmPlan]:
    """The usual plan: the candidate against control, half of the users each."""
    return [ArmPlan(CONTROL, control, 50, is_control=True), ArmPlan(TREATMENT, candidate, 50)]


def create_experiment(
    *,
    agent: Agent,
    name: str,
    arms: Sequence[ArmPlan],
    traffic: float = 100,
    metrics: Sequence[Mapping[str, Any]] | None = None,
    created_by: Any = None,
    **values: Any,
) -> Experiment:
    """A draft. `traffic` is the percent of users that take part; `values` are hypothesis, minimum_units,
    minimum_hours, planned_units and alpha where they differ from the settings.

    Raises Refused for impossible arms, shares or metrics, and Conflict for a config that may not go before users.
    """
    _check_arms(agent, arms)
    fields = _defaults() | {key: value for key, value in values.items() if value is not None}
    fields.setdefault("planned_units", max(fields["minimum_units"], SMALLEST_PLAN))
    with transaction.atomic():
        experiment = Experiment.objects.create(
            agent=agent,
            name=name,
            coverage=_coverage(traffic),
            metrics=clean_metrics(metrics if metrics is not None else DEFAULT_METRICS),
            created_by=created_by,
            **fields,
        )
        Variant.objects.bulk_create(
            Variant(
                experiment=experiment,
                key=arm.key,
                config=arm.config,
                is_control=arm.is_control,
                position=position,
                buckets=buckets_of(arm.percentage),
            )
            for position, arm in enumerate(arms)
        )
        audit.record(
            action="experiment.created",
            target=experiment,
            after={"name": name, "arms": {arm.key: str(arm.config.pk) for arm in arms}},
        )
    return experiment


def update_draft(*, experiment: Experiment, **values: Any) -> Experiment:
    """Change a draft: the plain fields, `traffic` and `metrics`. Raises Conflict once it has started."""
    if experiment.status != ExperimentStatus.DRAFT:
        raise Conflict("A started experiment is frozen: nothing that decides its verdict can be changed.", "status")
    changes = {key: values[key] for key in PLAIN if key in values}
    if "traffic" in values:
        changes["coverage"] = _coverage(values["traffic"])
    if "metrics" in values:
        changes["metrics"] = clean_metrics(values["metrics"])
    if not changes:
        return experiment
    with transaction.atomic():
        changed = Experiment.objects.filter(pk=experiment.pk, status=ExperimentStatus.DRAFT).update(**changes)
        if not changed:
            raise Conflict("This experiment was started by somebody else meanwhile.", "status")
        audit.record(
            action="experiment.changed",
            target=experiment,
            before={key: getattr(experiment, key) for key in changes},
            after=changes,
        )
    experiment.refresh_from_db()
    return experiment


def clean_metrics(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The metrics as stored. Raises Refused for an unknown or doubled one, or when none is for success."""
    cleaned = []
    for index, item in enumerate(items):
        name, role = item.get("name"), item.get("role", Role.SUCCESS.value)
        if name not in CATALOGUE:
            raise Refused(f"There is no metric {name!r}. Choose from {', '.join(CATALOGUE)}.", f"metrics.{index}.name")
        if role not in set(Role):
            raise Refused(f"A metric's role is success or guardrail, not {role!r}.", f"metrics.{index}.role")
        cleaned.append({"name": name, "role": str(role), "margin": float(item.get("margin") or 0)})
        if cleaned[-1]["margin"] < 0:
            raise Refused("A margin says how much worse is still accepted; it cannot be negative.", f"metrics.{index}")
    names = [item["name"] for item in cleaned]
    if len(set(names)) < len(names):
        raise Refused("Each metric can be named once.", "metrics")
    if Role.SUCCESS.value not in {item["role"] for item in cleaned}:
        raise Refused("An experiment needs at least one success metric.", "metrics")
    return cleaned


def _check_arms(agent: Agent, arms: Sequence[ArmPlan]) -> None:
    if [arm.is_control for arm in arms].count(True) != 1:
        raise Refused("Exactly one arm is control.", "variants")
    try:
        Split(tuple((arm.key, buckets_of(arm.percentage)) for arm in arms))
    except ValueError as error:
        raise Refused(f"Impossible variants: {error}.", "variants") from error
    if len({arm.config.pk for arm in arms}) < len(arms):
        raise Refused("Every arm needs a config of its own, or there is nothing to compare.", "variants")
    for arm in arms:
        if arm.config.agent_id != agent.pk:
            raise Refused(f"Config {arm.config.number} belongs to another agent.", "variants")
        require_approved(config=arm.config)


def _coverage(traffic: float) -> int:
    try:
        coverage = buckets_of(traffic)
    except ValueError as error:
        raise Refused(f"Impossible traffic: {error}.", "traffic") from error
    if not 1 <= coverage <= BUCKETS:
        raise Refused("Some of the users must take part.", "traffic")
    return coverage


def _defaults() -> dict[str, Any]:
    rules = getattr(settings, "LEARNING", {}).get("experiments", {})
    return {
        "minimum_units": getattr(settings, "EXPERIMENT_MIN_SAMPLES", 1000),
        "minimum_hours": rules.get("min_duration_hours", 168),
        "alpha": rules.get("significance_threshold", 0.05),
    }
