"""What people press: start, pause, resume, stop, complete."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from experiments.models import Analysis, Deployment, DeploymentStatus, Experiment, ExperimentKind, ExperimentStatus
from experiments.services.agent_lock import lock_agent
from experiments.services.layers import take_range
from experiments.stats.terms import Verdict
from learning.services.gate import require_approved
from organizations import audit
from organizations.errors import Conflict
from organizations.transitions import LostRace, move


def start_experiment(*, experiment: Experiment) -> Experiment:
    """From now on units are assigned, and nothing that decides the verdict can change.

    Raises Conflict when another experiment or a partial deployment decides for the agent, its layer has no room, or the
    config of an arm may no longer go before users. An A/A serves nothing, so neither a deployment nor its config is in
    its way.
    """
    with transaction.atomic():
        lock_agent(experiment.agent_id)
        # As it is now, and stays until it has started: its layer and range may have been changed since it was read.
        experiment.refresh_from_db(from_queryset=Experiment.objects.select_for_update(no_key=True))
        if experiment.kind != ExperimentKind.AA:
            _check_that_it_may_serve(experiment)
        now = timezone.now()
        start = take_range(experiment)
        try:
            with transaction.atomic():
                move(experiment, ExperimentStatus.RUNNING, started_at=now, running_since=now, layer_start=start)
        except IntegrityError as error:
            raise Conflict(
                "Another experiment runs on this agent. Stop or complete it first, or put both into one layer.", "agent"
            ) from error
    return experiment


def _check_that_it_may_serve(experiment: Experiment) -> None:
    for variant in experiment.variants.select_related("config"):
        require_approved(config=variant.config)
    if Deployment.objects.filter(agent_id=experiment.agent_id, status=DeploymentStatus.RAMPING).exists():
        raise Conflict("A deployment serves a share of this agent's users. Promote it or roll it back first.", "agent")


def pause_experiment(*, experiment: Experiment) -> Experiment:
    """Everybody gets control until it is resumed. What is served meanwhile is not counted; late feedback on what was
    served before still is."""
    with transaction.atomic():
        move(experiment, ExperimentStatus.PAUSED, **_clock_stopped(experiment))
    return experiment


def resume_experiment(*, experiment: Experiment) -> Experiment:
    """Users get the arms they had."""
    move(experiment, ExperimentStatus.RUNNING, running_since=timezone.now())
    return experiment


def stop_experiment(*, experiment: Experiment, reason: str = "") -> Experiment:
    """Ends it without a decision; what serves everybody serves again."""
    with transaction.atomic():
        move(experiment, ExperimentStatus.STOPPED, ended_at=timezone.now(), **_clock_stopped(experiment))
        if reason:
            audit.record(action="experiment.stop_reason", target=experiment, after={"reason": reason})
    return experiment


def stop_if_harmful(*, experiment: Experiment, analysis: Analysis) -> bool:
    """After a look: end what is proven to do harm, so that everybody gets what serves again; whether it ended now."""
    if analysis.verdict != Verdict.STOPPED_FOR_HARM or not experiment.live:
        return False
    try:
        stop_experiment(experiment=experiment, reason=analysis.sentence)
    except LostRace:
        return False  # somebody has just paused or ended it; if it goes on, the next look stops it
    return True


def look_again(*, experiment: Experiment) -> Analysis:
    """One more look, asked for by a person. Raises Conflict once it has ended: then the verdict stays."""
    if not experiment.live:
        raise Conflict(f"This experiment is {experiment.status}; there is nothing new to look at.", "status")
    analysis = _look(experiment)
    stop_if_harmful(experiment=experiment, analysis=analysis)
    return analysis


def complete_experiment(*, experiment: Experiment) -> Analysis:
    """Looks once more, ends it, and returns the verdict that counts."""
    with transaction.atomic():
        analysis = _look(experiment)
        move(experiment, ExperimentStatus.COMPLETED, ended_at=timezone.now(), **_clock_stopped(experiment))
    return analysis


def _look(experiment: Experiment) -> Analysis:
    from experiments.services.analysis import analyse_experiment  # numpy and scipy: see docs/decisions/0011

    return analyse_experiment(experiment=experiment)


def _clock_stopped(experiment: Experiment) -> dict[str, Any]:
    """Values that end the current stretch of running, if there is one.

    They are read from the locked row: since the experiment was read somebody may have paused and resumed it.
    """
    now = Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
    return {"ran_seconds": now.hours() * 3600, "running_since": None}
