"""Wakes a worker after the commit, for a row that waits for one (docs/decisions/0003).

The tasks load at the first use: with them come the engines and most of Celery, which a process that only takes feedback
and shows pages does without (docs/decisions/0011). That takes a while, so they load when the transaction has ended and
let go of its locks.
"""

from __future__ import annotations

from django.db import transaction

from learning.models import GateReport, Job, TrainingRun


def wake_for_run(run: TrainingRun) -> None:
    """Somebody should work on this training run."""

    def wake() -> None:
        from learning.training_tasks import run_training

        run_training.delay_on_commit(organization_id=run.organization_id, run_id=run.pk)

    transaction.on_commit(wake, robust=True)


def wake_for_gate(report: GateReport) -> None:
    """Somebody should work on this gate."""

    def wake() -> None:
        from learning.gate_tasks import run_gate

        run_gate.delay_on_commit(organization_id=report.organization_id, report_id=report.pk)

    transaction.on_commit(wake, robust=True)


def wake_for_job(job: Job) -> None:
    """Somebody should work on this job."""

    def wake() -> None:
        from learning.job_tasks import run_job

        run_job.delay_on_commit(organization_id=job.organization_id, job_id=job.pk)

    transaction.on_commit(wake, robust=True)
