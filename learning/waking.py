"""Wakes a worker after the commit, for a row that waits for one (docs/decisions/0003).

The tasks load at the first use: with them come the engines and most of Celery, which a process that only takes feedback
and shows pages does without (docs/decisions/0011). That takes a while, so they load when the transaction has ended and
let go of its locks.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.module_loading import import_string

from learning.models import LONG_KINDS, GateReport, Job, TrainingRun


def wake_for_run(run: TrainingRun) -> None:
    """Somebody should work on this training run."""
    _wake("learning.training_tasks.run_training", run.organization_id, run_id=run.pk)


def wake_for_gate(report: GateReport) -> None:
    """Somebody should work on this gate."""
    _wake("learning.gate_tasks.run_gate", report.organization_id, report_id=report.pk)


def wake_for_job(job: Job) -> None:
    """Somebody should work on this job."""
    task = "run_long_job" if job.kind in LONG_KINDS else "run_job"
    _wake(f"learning.job_tasks.{task}", job.organization_id, job_id=job.pk)


def _wake(task: str, organization_id: UUID | None, **naming: UUID) -> None:
    """`task`: where it is. It loads after the commit."""

    def send() -> None:
        import_string(task).delay_on_commit(organization_id=organization_id, **naming)

    transaction.on_commit(send, robust=True)
