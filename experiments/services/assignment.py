"""Which config a unit gets. Sticky without a stored assignment: a pure function of salt and unit (a bandit's, whose
shares move, is its exposure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from django.db.models import Exists, OuterRef

from experiments.bucketing import assign, takes_part
from experiments.models import (
    Deployment,
    DeploymentStatus,
    Experiment,
    ExperimentKind,
    ExperimentStatus,
    Exposure,
    ForcedAssignment,
    Variant,
)
from experiments.models.experiments import LIVE, split_now
from experiments.services.units import Names
from learning.models import Agent, AgentConfig
from organizations.errors import Missing
from organizations.identifiers import find_by_any_id


@dataclass(frozen=True, slots=True)
class Served:
    """What a unit gets. `variant` is empty for those who do not take part in a running experiment.

    `propensity` is the probability of the arm for a unit that takes part, as it was when it was assigned.
    """

    config: AgentConfig
    variant: str = ""
    experiment: Experiment | None = None
    deployment: Deployment | None = None
    arm: Variant | None = None
    unit: str = ""
    propensity: float | None = None
    forced: bool = False  # by hand; such units are left out of the analysis


def find_agent_to_serve(name: str) -> Agent:
    """The agent by its external id or ours, together with its serving config. Raises Missing."""
    agent: Agent | None = find_by_any_id(Agent.objects.select_related("serving_config"), name)
    if agent is None:
        raise Missing(f"There is no agent {name!r}. Introduce it on the page /admin/learning/agents/new/.")
    return agent


def config_for_user(
    *,
    agent: Agent,
    user_id: str = "",
    session_id: str = "",
    execution_id: str = "",
    expose: bool = False,
    looks_only: bool = False,
) -> Served:
    """The config to use now: the arm of a running experiment, else a ramping deployment, else what serves everybody.

    An experiment takes the identifier that is its unit. With `expose` the first meeting of the unit and the arm is
    recorded; a bandit records it always, unless somebody `looks_only`. One query while an experiment is live, two
    otherwise (load the agent with its serving_config). Raises Missing when nothing serves, Refused for a bad unit.
    """
    names = Names(user_id, session_id, execution_id)
    variants = live_variants(agent, names)
    served = _by_experiments(variants, names) if variants else _by_deployment(agent, user_id)
    served = served or _serving(agent)
    if served.arm is None or served.forced or looks_only or served.experiment is None:
        return served
    if served.experiment.kind == ExperimentKind.BANDIT:
        return _kept(served, variants)
    if expose:
        record_exposure(served)
    return served


def record_exposure(served: Served) -> None:
    """The first exposure of a unit stays, whoever else records one at the same time."""
    Exposure.objects.bulk_create([Exposure(**_exposure(served))], ignore_conflicts=True)


def live_variants(agent: Agent, names: Names) -> list[Variant]:
    """The arms of the experiments that decide for the agent, in the order of their ranges, with config and experiment.

    `forced_here` on an arm: somebody put this unit into it.
    """
    rows = Variant.objects.filter(experiment__agent=agent, experiment__status__in=LIVE)
    rows = rows.exclude(experiment__kind=ExperimentKind.AA).select_related("experiment__layer", "config")
    if names:
        mine = ForcedAssignment.objects.filter(names.named(), variant=OuterRef("pk"), released_at=None)
        rows = rows.annotate(forced_here=Exists(mine))
    return list(rows.order_by("experiment_id", "position"))


def arm_of(experiment: Experiment, variants: list[Variant], unit: str) -> str | None:
    """The unit's arm; None outside of the experiment's traffic. Raises ValueError for an impossible unit."""
    return assign(experiment.salt, unit, experiment.coverage, split_now(experiment, variants), experiment.slot)


def _by_experiments(variants: list[Variant], names: Names) -> Served | None:
    """What the experiment gives that the unit is in, by hand or by its buckets. An agent's exclude each other."""
    live = [list(arms) for _, arms in groupby(variants, key=lambda variant: variant.experiment_id)]
    live.sort(key=lambda arms: not any(_is_forced(arm) for arm in arms))
    for arms in live:
        served = _by_experiment(arms, names)
        if served is not None:
            return served
    return None


def _by_experiment(variants: list[Variant], names: Names) -> Served | None:
    experiment = variants[0].experiment
    unit, slot = names.of(experiment.unit), experiment.slot
    if experiment.status == ExperimentStatus.PAUSED:
        if slot is not None and not (unit and slot.holds(unit)):
            return None
        control = next(row for row in variants if row.is_control)
        return Served(control.config, experiment=experiment)
    if not unit:
        return None
    forced = next((row for row in variants if _is_forced(row)), None)
    key = forced.key if forced else arm_of(experiment, variants, unit)
    if key is None:
        return None
    arm = forced or next(row for row in variants if row.key == key)
    share = None if forced else split_now(experiment, variants).propensity(key)
    return Served(arm.config, key, experiment, None, arm, unit, share, forced=forced is not None)


def _is_forced(arm: Variant) -> bool:
    return bool(getattr(arm, "forced_here", False)) and arm.experiment.status == ExperimentStatus.RUNNING


def _kept(served: Served, variants: list[Variant]) -> Served:
    """The arm of a bandit that the unit met first: its shares move, and nobody changes arms with them."""
    fields = _exposure(served)
    mine = {"experiment": fields.pop("experiment"), "unit": fields.pop("unit")}
    exposure, _ = Exposure.objects.get_or_create(**mine, defaults=fields)
    arm = next(row for row in variants if row.pk == exposure.variant_id)
    return replace(served, config=arm.config, variant=arm.key, arm=arm, propensity=exposure.propensity)


def _exposure(served: Served) -> dict[str, Any]:
    weights = served.experiment.weights if served.experiment else None
    return {
        "experiment": served.experiment,
        "variant": served.arm,
        "unit": served.unit,
        "propensity": served.propensity,
        "revision": weights["revision"] if weights else 0,
    }


def _by_deployment(agent: Agent, user_id: str) -> Served | None:
    rows = Deployment.objects.filter(agent=agent, status=DeploymentStatus.RAMPING).select_related("config")
    deployment = rows.first() if user_id else None
    if deployment is None or not takes_part(deployment.salt, user_id, deployment.coverage):
        return None
    return Served(deployment.config, deployment=deployment)


def _serving(agent: Agent) -> Served:
    if agent.serving_config is None:
        raise Missing(
            f"No config serves agent {agent.external_id!r} yet: tell what it does today, on its page under Agents."
        )
    return Served(agent.serving_config)
