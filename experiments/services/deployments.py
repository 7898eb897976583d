"""Putting a config before users, in whole or by share, and taking it back with one click."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from experiments.bucketing import BUCKETS, buckets_of
from experiments.models import (
    Deployment,
    DeploymentEvent,
    DeploymentEventKind,
    DeploymentStatus,
    Experiment,
    ExperimentKind,
)
from experiments.models.experiments import LIVE
from experiments.services.agent_lock import lock_agent
from experiments.services.lifecycle import stop_experiment
from learning.models import Agent, AgentConfig
from learning.services.agents import set_serving_config
from learning.services.gate import require_approved
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.scope import current_scope
from organizations.transitions import move

Kind = DeploymentEventKind


def deploy_config(
    *, agent: Agent, config: AgentConfig, share: float = 100, experiment: Experiment | None = None
) -> Deployment:
    """Serve `config` to `share` percent of the agent's users; 100 replaces what serves everybody.

    Raises Conflict when the config has not passed its gate and been approved, or an experiment decides for the agent.
    """
    coverage = _coverage(share)
    if config.agent_id != agent.pk:
        raise Refused(f"Config {config.number} belongs to another agent.", "config_id")
    require_approved(config=config)
    with transaction.atomic():
        agent = lock_agent(agent.pk)
        if _deciding(agent.pk).exists():
            raise Conflict("An experiment runs on this agent. Complete or stop it first.", "agent_id")
        if agent.serving_config_id == config.pk:
            raise Conflict(f"Config {config.number} serves everybody already.", "config_id")
        _end_ramping(agent)
        serving = _serving(agent)
        if coverage == BUCKETS and serving:
            _step(serving, DeploymentStatus.SUPERSEDED, Kind.SUPERSEDED)
        scope = current_scope()
        deployment = Deployment.objects.create(
            agent=agent,
            config=config,
            previous_config_id=agent.serving_config_id,
            replaces=serving,
            experiment=experiment,
            status=DeploymentStatus.SERVING if coverage == BUCKETS else DeploymentStatus.RAMPING,
            coverage=coverage,
            created_by=scope.actor.user if scope and scope.actor else None,
        )
        _log(deployment, Kind.DEPLOYED)
        audit.record(
            action="deployment.created",
            target=deployment,
            after={"agent": agent.external_id, "config": config.number, "share": deployment.share},
        )
        if coverage == BUCKETS:
            set_serving_config(agent=agent, config=config)
    return deployment


def promote_deployment(*, deployment: Deployment, share: float = 100) -> Deployment:
    """Change the share of a deployment that ramps; 100 makes it what serves everybody. Wider keeps who has it.

    Raises Conflict for a deployment that does not ramp, and for more users of a config that was retired meanwhile.
    """
    coverage = _coverage(share)
    with transaction.atomic():
        agent = lock_agent(deployment.agent_id)
        deployment.refresh_from_db()
        if deployment.status != DeploymentStatus.RAMPING:
            raise Conflict("Only a deployment that serves a share of the users can be promoted.", "status")
        if coverage > deployment.coverage:
            require_approved(config=deployment.config)
        if coverage < BUCKETS:
            before = {"share": deployment.share}
            deployment.coverage = coverage
            deployment.save(update_fields=["coverage", "updated_at"])
            audit.record(
                action="deployment.promoted", target=deployment, before=before, after={"share": deployment.share}
            )
        else:
            serving = _serving(agent)
            if serving:
                _step(serving, DeploymentStatus.SUPERSEDED, Kind.SUPERSEDED)
            move(
                deployment, DeploymentStatus.SERVING, coverage=BUCKETS, replaces=serving,
                previous_config_id=agent.serving_config_id,
            )  # fmt: skip
            set_serving_config(agent=agent, config=deployment.config)
        _log(deployment, Kind.PROMOTED)
    return deployment


def rollback_deployment(*, deployment: Deployment, reason: str = "") -> Deployment:
    """Return every user to the config before, at once. Ends an experiment that has the config as an arm.

    Raises Conflict when the deployment no longer serves, or there is no config to return to.
    """
    with transaction.atomic():
        agent = lock_agent(deployment.agent_id)
        deployment.refresh_from_db()
        was_serving = deployment.status == DeploymentStatus.SERVING
        if was_serving and deployment.previous_config is None:
            raise Conflict("This is the agent's first deployment: there is no config to return to.", "status")
        _step(deployment, DeploymentStatus.ROLLED_BACK, Kind.ROLLED_BACK, note=reason)
        if was_serving and deployment.previous_config:
            set_serving_config(agent=agent, config=deployment.previous_config)
            if deployment.replaces:
                _step(deployment.replaces, DeploymentStatus.SERVING, Kind.RESTORED)
        _stop_experiments_with(deployment.config)
    return deployment


def _coverage(share: float) -> int:
    try:
        coverage = buckets_of(share)
    except ValueError as error:
        raise Refused(f"Impossible share: {error}.", "share") from error
    if not coverage:
        raise Refused("A deployment serves some of the users; roll it back to serve none.", "share")
    return coverage


def _serving(agent: Agent) -> Deployment | None:
    return Deployment.objects.filter(agent=agent, status=DeploymentStatus.SERVING).first()


def _end_ramping(agent: Agent) -> None:
    ramping = Deployment.objects.filter(agent=agent, status=DeploymentStatus.RAMPING).first()
    if ramping:
        _step(ramping, DeploymentStatus.SUPERSEDED, Kind.SUPERSEDED)


def _stop_experiments_with(config: AgentConfig) -> None:
    for experiment in _deciding(config.agent_id).filter(variants__config=config):
        stop_experiment(experiment=experiment, reason=f"Config {config.number} was rolled back.")


def _deciding(agent_id: UUID) -> QuerySet[Experiment]:
    """Live experiments that decide what the agent's users get: an A/A does not."""
    return Experiment.objects.filter(agent=agent_id, status__in=LIVE).exclude(kind=ExperimentKind.AA)


def _step(deployment: Deployment, to: str, kind: DeploymentEventKind, note: str = "") -> None:
    """One change of status with its line in the history."""
    move(deployment, to)
    _log(deployment, kind, note)


def _log(deployment: Deployment, kind: DeploymentEventKind, note: str = "") -> None:
    scope = current_scope()
    DeploymentEvent.objects.create(
        deployment=deployment,
        kind=kind,
        coverage=deployment.coverage if deployment.live else 0,
        actor_label=scope.actor.label if scope and scope.actor else "system",
        note=note,
    )
