"""Counts and short lists for the dashboard. Reads only."""

from __future__ import annotations

from experiments.models import Deployment, DeploymentStatus, Experiment, ExperimentStatus


def active_experiments() -> int:
    """How many experiments run now."""
    return Experiment.objects.filter(status=ExperimentStatus.RUNNING).count()


def recent_experiments(*, limit: int = 5) -> list[Experiment]:
    """The newest experiments, with their agents."""
    return list(Experiment.objects.select_related("agent").order_by("-id")[:limit])


def serving_deployments(*, limit: int = 50) -> list[Deployment]:
    """What is before users now: for everybody or for a share, newest first.

    While one ramps, the other of its agent serves who is left: its `share` says so.
    """
    live = Deployment.objects.filter(status__in=(DeploymentStatus.SERVING, DeploymentStatus.RAMPING))
    found = list(live.select_related("agent", "config").order_by("-id")[:limit])
    ramping = {one.agent_id: one.coverage for one in found if one.status == DeploymentStatus.RAMPING}
    for one in found:
        if one.status == DeploymentStatus.SERVING:
            one.beside = ramping.get(one.agent_id, 0)
    return found
