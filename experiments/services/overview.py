"""Counts and short lists for the dashboard. Reads only."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from experiments.models import Analysis, Deployment, DeploymentStatus, Experiment, ExperimentKind, ExperimentStatus
from experiments.models.experiments import LIVE
from experiments.stats.terms import Verdict

TOLD = timedelta(days=7)  # how long an end that nobody pressed is told of


def active_experiments() -> int:
    """How many experiments run now."""
    return Experiment.objects.filter(status=ExperimentStatus.RUNNING).count()


def recent_experiments(*, limit: int = 5) -> list[Experiment]:
    """The newest experiments, with their agents."""
    return list(Experiment.objects.select_related("agent").order_by("-id")[:limit])


def undeployed_winners(*, limit: int = 5) -> list[Experiment]:
    """Experiments whose last look says that a treatment wins, while something else serves; newest first."""
    newest = Analysis.objects.filter(experiment=OuterRef("pk")).order_by("-number")
    rows = Experiment.objects.filter(status__in=[*LIVE, ExperimentStatus.COMPLETED], deployments=None)
    rows = rows.exclude(kind=ExperimentKind.AA)
    rows = rows.annotate(verdict=Subquery(newest.values("verdict")[:1])).filter(verdict=Verdict.TREATMENT)
    return list(rows.select_related("agent").order_by("-id")[:limit])


def stopped_for_harm(*, limit: int = 5) -> list[Experiment]:
    """Experiments that ended by themselves in the last days because of the harm they did, newest first."""
    newest = Analysis.objects.filter(experiment=OuterRef("pk")).order_by("-number")
    rows = Experiment.objects.filter(status=ExperimentStatus.STOPPED, ended_at__gte=timezone.now() - TOLD)
    rows = rows.annotate(verdict=Subquery(newest.values("verdict")[:1])).filter(verdict=Verdict.STOPPED_FOR_HARM)
    return list(rows.select_related("agent").order_by("-id")[:limit])


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
