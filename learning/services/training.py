"""Training runs: asked for, cancelled, found again. The pending row is the message (docs/decisions/0003)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from learning.models import Agent, AgentConfig, DatasetVersion, GateReport, RunStatus, TrainingRun
from learning.models import TrainingType as Kind
from learning.services.run_budget import planned_calls
from learning.services.run_plan import check_name, plan_run
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.transitions import LostRace, move

# Three sweeps without a sign of life: with the sweep every 10 seconds a killed run goes on within 45.
SILENCE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
LARGEST_SEED = 2**31 - 1


def start_training_run(
    *,
    agent: Agent,
    dataset_version: DatasetVersion | None = None,
    base_config: AgentConfig | None = None,
    training_type: str = Kind.PROMPT_OPTIMIZATION,
    name: str = "",
    config: Mapping[str, Any] | None = None,
    seed: int = 1,
    user: Any = None,
    rerun_of: TrainingRun | None = None,
) -> TrainingRun:
    """Queue a run. Without a version the newest of the agent is used; without a config the one that serves.

    Raises Refused naming the field at fault, for instance how many approved examples are missing.
    """
    if not settings.LEARNING_ENABLED:
        raise Conflict("Learning is switched off (LEARNING_ENABLED).")
    check_name(name)
    plan = plan_run(agent, dataset_version, base_config, training_type, config)
    if not 0 <= seed <= LARGEST_SEED:
        raise Refused(f"The seed must be a whole number from 0 to {LARGEST_SEED}.", "seed")
    version = plan.version
    with transaction.atomic():
        run = TrainingRun.objects.create(
            name=name.strip() or f"{agent.name}: {version.dataset.name}, version {version.number}"[:200],
            agent=agent,
            base_config=plan.base_config,
            dataset_version=version,
            training_type=training_type,
            config=plan.wishes.as_json(),
            estimate=plan.estimate().as_json(),
            total_steps=planned_calls(plan.wishes),
            seed=seed,
            rerun_of=rerun_of,
            created_by=user,
        )
        after = {"agent": agent.external_id, "dataset_version": str(version.pk), "config": run.config, "seed": seed}
        again = {"rerun_of": str(rerun_of.pk)} if rerun_of else {}
        audit.record(action="trainingrun.requested", target=run, after=after | again)
    return run


def rerun_training_run(*, run: TrainingRun, user: Any = None) -> TrainingRun:
    """The same run once more: version, config, settings and seed. Remembered answers cost nothing again.

    Raises Conflict while the run is open, Refused when what it learned from cannot be used any more.
    """
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        raise Conflict(f"This run is {run.status}; it can be repeated when it is over.", "status")
    return start_training_run(
        agent=run.agent,
        dataset_version=run.dataset_version,
        base_config=run.base_config,
        training_type=run.training_type,
        name=run.name,
        config=run.config,
        seed=run.seed,
        user=user,
        rerun_of=run,
    )


def request_cancel(*, run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it waits, at its next step while it works.

    Raises Conflict when it is over already.
    """
    if run.status == RunStatus.PENDING:
        try:
            move(run, RunStatus.CANCELLED, cancel_requested=True, finished_at=timezone.now())
            return run
        except LostRace:
            run.refresh_from_db()  # a worker claimed it in this very moment
    if run.status != RunStatus.RUNNING:
        raise Conflict(f"This run is {run.status}; there is nothing to cancel.", "status")
    with transaction.atomic():
        if not TrainingRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(cancel_requested=True):
            raise Conflict("This run has ended meanwhile; there is nothing to cancel.", "status")
        audit.record(action="trainingrun.cancel_requested", target=run, after={"status": run.status})
    run.refresh_from_db()
    return run


def due_runs() -> list[UUID]:
    """Runs that a worker should take up: never claimed, or silent. Hopeless ones are ended here with a reason."""
    under_way = TrainingRun.objects.filter(status__in=[RunStatus.PENDING, RunStatus.RUNNING])
    for run in under_way.filter(started_at__lt=timezone.now() - timedelta(seconds=settings.TRAINING_JOB_TIMEOUT)):
        if is_late(run):
            _end(run, RunStatus.FAILED, too_late())
    for run in under_way.filter(silent(), cancel_requested=True):
        _end(run, RunStatus.CANCELLED)
    for run in under_way.filter(silent(), attempt__gte=MOST_ATTEMPTS):
        _end(run, RunStatus.FAILED, f"The worker went silent {run.attempt} times.")
    return list(TrainingRun.objects.filter(claimable()).order_by("id").values_list("pk", flat=True))


def claimable() -> Q:
    """What may be claimed: nobody has it, or its worker went silent."""
    free = Q(status=RunStatus.PENDING) | silent()
    return free & Q(attempt__lt=MOST_ATTEMPTS, cancel_requested=False)


def shares_endpoint(run: TrainingRun) -> bool:
    """Whether another run is worked on now: all runs ask the same endpoint, within its limits."""
    return TrainingRun.objects.filter(status=RunStatus.RUNNING).exclude(pk=run.pk).exists()


def silent() -> Q:
    return Q(status=RunStatus.RUNNING, heartbeat_at__lt=timezone.now() - SILENCE)


def worked_seconds(run: TrainingRun) -> float:
    """Seconds that were worked on a run until now: those of its attempts, not those between them.

    Of a run whose worker is silent no more than SILENCE is counted since it was last heard of.
    """
    if run.claimed_at is None:
        return run.seconds
    heard = run.heartbeat_at or run.claimed_at
    until = min(timezone.now(), heard + SILENCE)
    return run.seconds + max(0.0, (until - run.claimed_at).total_seconds())


def end_of_work(run: TrainingRun) -> dict[str, Any]:
    """The columns to be written when nobody works on the run any more."""
    return {"seconds": worked_seconds(run), "claimed_at": None}


def is_late(run: TrainingRun) -> bool:
    """Whether more was worked on it than may be."""
    return worked_seconds(run) > settings.TRAINING_JOB_TIMEOUT


def too_late() -> str:
    """Why a late run ends."""
    return f"The run took longer than {settings.TRAINING_JOB_TIMEOUT:,} seconds."


def gate_reports(run: TrainingRun) -> list[GateReport]:
    """The gates of what the run proposes, without their cases, the newest first.

    Where an earlier run proposed the same, they are its own: `training_run` says whose.
    """
    return list(GateReport.objects.filter(config=run.candidate_config_id).order_by("-id").defer("cases"))


def gate_report(run: TrainingRun) -> GateReport | None:
    """The newest gate report of what the run proposes."""
    return GateReport.objects.filter(config=run.candidate_config_id).order_by("-id").defer("cases").first()


def _end(run: TrainingRun, to: str, reason: str = "") -> None:
    """End a run that nobody will finish. A worker that still lives finds out at its next step."""
    try:
        move(run, to, failure_reason=reason, finished_at=timezone.now(), **end_of_work(run))
    except LostRace:
        return  # it came to its own end meanwhile
