"""Making an experiment from configs that may go before users, and changing it while it is a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from experiments.bucketing import BUCKETS, Split, buckets_of
from experiments.metrics import DEFAULT_METRICS
from experiments.models import Experiment, ExperimentKind, ExperimentStatus, Layer, Variant
from experiments.services.metric_choice import clean_metrics
from experiments.services.names import named
from learning.models import Agent, AgentConfig
from learning.services.gate import require_approved
from organizations import audit
from organizations.errors import Conflict, Refused

CONTROL, TREATMENT = "control", "treatment"
SMALLEST_PLAN = 200  # units; below that a sequence tuned to the plan is needlessly wide afterwards
PLAIN = ("name", "hypothesis", "minimum_units", "minimum_hours", "planned_units", "alpha", "unit", "layer")


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


def same_twice(*, agent: Agent, otherwise: AgentConfig | None = None) -> list[ArmPlan]:
    """The arms of an A/A: two halves of the units, whatever they are served; both have the config that serves now.

    Raises Refused when none serves, unless there is another to stand there.
    """
    config = agent.serving_config or otherwise
    if config is None:
        raise Refused(
            "Nothing serves this agent yet, so an A/A has no config for its arms. Tell what the agent does today, on"
            " its page under Agents, or deploy one of its configs.",
            "agent_id",
        )
    return [ArmPlan(CONTROL, config, 50, is_control=True), ArmPlan(TREATMENT, config, 50)]


def create_experiment(
    *,
    agent: Agent,
    name: str,
    arms: Sequence[ArmPlan],
    kind: str = ExperimentKind.AB,
    traffic: float = 100,
    layer_percentage: float = 100,
    metrics: Sequence[Mapping[str, Any]] | None = None,
    created_by: Any = None,
    **values: Any,
) -> Experiment:
    """A draft. `traffic` is the percent of units that take part, `layer_percentage` what it takes of its layer.

    `values` are hypothesis, unit, layer, minimum_units, minimum_hours, planned_units and alpha, unless as usual.

    Raises Refused for impossible arms, shares or metrics, and Conflict for a config that may not go before users.
    """
    name = named(name, noun="experiment")
    check_arms(agent, arms, kind)
    fields = _defaults() | {key: value for key, value in values.items() if value is not None}
    fields.setdefault("planned_units", max(fields["minimum_units"], SMALLEST_PLAN))
    with transaction.atomic():
        experiment = Experiment.objects.create(
            agent=agent,
            name=name,
            kind=kind,
            coverage=_coverage(traffic),
            layer_buckets=_coverage(layer_percentage, "layer_percentage"),
            metrics=clean_metrics(
                metrics if metrics is not None else DEFAULT_METRICS,
                agent=agent,
                unit=fields.get("unit"),
                minimum_hours=fields["minimum_hours"],
            ),
            created_by=created_by,
            **fields,
        )
        Variant.objects.bulk_create(_variant(experiment, place, arm) for place, arm in enumerate(arms))
        audit.record(
            action="experiment.created",
            target=experiment,
            after={"name": name, "kind": str(kind), "arms": {arm.key: str(arm.config.pk) for arm in arms}},
        )
    return experiment


def _variant(experiment: Experiment, place: int, arm: ArmPlan) -> Variant:
    return Variant(
        experiment=experiment,
        key=arm.key,
        config=arm.config,
        is_control=arm.is_control,
        position=place,
        buckets=buckets_of(arm.percentage),
    )


def update_draft(*, experiment: Experiment, **values: Any) -> Experiment:
    """Change a draft: plain fields, `traffic`, `layer_percentage`, `metrics`. Raises Conflict once it has started."""
    if experiment.status != ExperimentStatus.DRAFT:
        raise Conflict("A started experiment is frozen: nothing that decides its verdict can be changed.", "status")
    changes = {key: values[key] for key in PLAIN if key in values}
    if "name" in changes:
        changes["name"] = named(changes["name"], noun="experiment")
    if "traffic" in values:
        changes["coverage"] = _coverage(values["traffic"])
    if "layer_percentage" in values:
        changes["layer_buckets"] = _coverage(values["layer_percentage"], "layer_percentage")
    if "metrics" in values:
        changes["metrics"] = clean_metrics(
            values["metrics"],
            agent=experiment.agent,
            unit=values.get("unit", experiment.unit),
            minimum_hours=values.get("minimum_hours", experiment.minimum_hours),
        )
    if not changes:
        return experiment
    with transaction.atomic():
        changed = Experiment.objects.filter(pk=experiment.pk, status=ExperimentStatus.DRAFT).update(**changes)
        if not changed:
            raise Conflict("This experiment was started by somebody else meanwhile.", "status")
        audit.record(
            action="experiment.changed",
            target=experiment,
            before={key: _told(getattr(experiment, key)) for key in changes},
            after={key: _told(value) for key, value in changes.items()},
        )
    experiment.refresh_from_db()
    return experiment


def check_arms(agent: Agent, arms: Sequence[ArmPlan], kind: str = ExperimentKind.AB) -> None:
    """Raises Refused for arms that cannot be compared, Conflict for a config that may not go before users."""
    if [arm.is_control for arm in arms].count(True) != 1:
        raise Refused("Exactly one arm is control.", "variants")
    try:
        Split(tuple((arm.key, buckets_of(arm.percentage)) for arm in arms))
    except ValueError as error:
        raise Refused(f"Impossible variants: {error}.", "variants") from error
    configs = len({arm.config.pk for arm in arms})
    if kind == ExperimentKind.AA and configs > 1:
        raise Refused("The arms of an A/A have one and the same config.", "variants")
    if kind != ExperimentKind.AA and configs < len(arms):
        raise Refused("Every arm needs a config of its own, or there is nothing to compare.", "variants")
    for arm in arms:
        if arm.config.agent_id != agent.pk:
            raise Refused(f"Config {arm.config.number} belongs to another agent.", "variants")
        if kind != ExperimentKind.AA:  # which puts no config before anybody
            require_approved(config=arm.config)


def _coverage(share: float, field: str = "traffic") -> int:
    try:
        coverage = buckets_of(share)
    except ValueError as error:
        raise Refused(f"Impossible {field.replace('_', ' ')}: {error}.", field) from error
    if not 1 <= coverage <= BUCKETS:
        raise Refused("Some of the users must take part.", field)
    return coverage


def _told(value: Any) -> Any:
    """What the audit is told of a value: a row by its id."""
    return str(value.pk) if isinstance(value, Layer) else value


def _defaults() -> dict[str, Any]:
    rules = getattr(settings, "LEARNING", {}).get("experiments", {})
    return {
        "minimum_units": getattr(settings, "EXPERIMENT_MIN_SAMPLES", 1000),
        "minimum_hours": rules.get("min_duration_hours", 168),
        "alpha": rules.get("significance_threshold", 0.05),
    }
