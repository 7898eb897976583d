"""Which config a user gets. Sticky without a stored assignment: a pure function of salt and user."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.bucketing import assign, takes_part
from experiments.models import Deployment, DeploymentStatus, Experiment, ExperimentStatus, Exposure, Variant
from experiments.models.experiments import LIVE, split_of
from learning.models import Agent, AgentConfig
from organizations.errors import Missing, Refused
from organizations.identifiers import find_by_any_id


@dataclass(frozen=True, slots=True)
class Served:
    """What a user gets. `variant` is empty for users who do not take part in a running experiment."""

    config: AgentConfig
    variant: str = ""
    experiment: Experiment | None = None
    deployment: Deployment | None = None


def find_agent_to_serve(name: str) -> Agent:
    """The agent by its external id or ours, together with its serving config. Raises Missing."""
    agent: Agent | None = find_by_any_id(Agent.objects.select_related("serving_config"), name)
    if agent is None:
        raise Missing(f"There is no agent {name!r}. Introduce it on the page /admin/learning/agents/new/.")
    return agent


def config_for_user(*, agent: Agent, user_id: str = "", expose: bool = False) -> Served:
    """The config to use now: the arm of a running experiment, else a ramping deployment, else what serves everybody.

    With `expose` the first meeting of the user and the arm is recorded. One query while an experiment is live, two
    otherwise (load the agent with its serving_config). Raises Missing when nothing serves, Refused for a bad user.
    """
    variants = live_variants(agent)
    try:
        served = _by_experiment(variants, user_id) if variants else _by_deployment(agent, user_id)
    except ValueError as error:
        raise Refused(f"Impossible user: {error}.", "user_id") from error
    served = served or _serving(agent)
    if expose and served.experiment and served.variant:
        variant = next(row for row in variants if row.key == served.variant)
        record_exposure(experiment=served.experiment, variant=variant, unit=user_id)
    return served


def record_exposure(*, experiment: Experiment, variant: Variant, unit: str) -> None:
    """The first exposure of a unit stays, whoever else records one at the same time."""
    Exposure.objects.bulk_create([Exposure(experiment=experiment, variant=variant, unit=unit)], ignore_conflicts=True)


def live_variants(agent: Agent) -> list[Variant]:
    """The arms of the agent's live experiment in the order of their ranges, with config and experiment."""
    rows = Variant.objects.filter(experiment__agent=agent, experiment__status__in=LIVE)
    return list(rows.select_related("experiment", "config").order_by("position"))


def arm_of(experiment: Experiment, variants: list[Variant], user_id: str) -> str | None:
    """The user's arm; None outside of the experiment's traffic. Raises ValueError for an impossible user."""
    return assign(experiment.salt, user_id, experiment.coverage, split_of(variants))


def _by_experiment(variants: list[Variant], user_id: str) -> Served | None:
    experiment = variants[0].experiment
    if experiment.status == ExperimentStatus.PAUSED:
        control = next(row for row in variants if row.is_control)
        return Served(control.config, experiment=experiment)
    key = arm_of(experiment, variants, user_id) if user_id else None
    if key is None:
        return None
    return Served(next(row.config for row in variants if row.key == key), key, experiment)


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
