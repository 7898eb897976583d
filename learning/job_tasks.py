"""Working through jobs, whatever their kind. The row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from celery import shared_task

from learning.models import JobKind
from learning.services import jobs
from learning.services.jobs import JobCancelled, LostJob, Step, Work, Worker
from organizations.errors import Refused
from organizations.scope import organization_scope
from organizations.stopping import Stopping, raise_when_stopping
from organizations.tasks import each_organization, tenant_task
from organizations.work_queues import LONG

log = logging.getLogger(__name__)
# Where the work of each kind is; loaded when there is some.
WORKERS: dict[str, str] = {
    JobKind.PUBLICATION: "learning.services.publication_jobs.work",
    JobKind.ERASURE: "learning.services.erasure.work",
    JobKind.IMPORT: "learning.services.example_imports.work",
    JobKind.BULK_ACTION: "learning.services.bulk_actions.work",
    JobKind.UNDO: "learning.services.undoing.work",
    JobKind.RULES: "learning.services.rule_jobs.work",
    JobKind.INSIGHT: "learning.services.insight_runs.work",
    JobKind.DEMONSTRATIONS: "learning.services.recorded_demonstrations.work",
    JobKind.SYNTHESIS: "learning.services.synthesis.work",
}


@tenant_task(name="learning.run_job")
def run_job(*, organization_id: UUID, job_id: str) -> None:
    """Claim a job and work through it, a transaction for each step."""
    with organization_scope(organization_id):
        work = jobs.claim_job(job_id=UUID(job_id))
    if work is None:
        return
    try:
        work_through(organization_id, work)
    except LostJob:
        log.warning("Job %s belongs to another worker now", job_id)


@tenant_task(name="learning.run_long_job", queue=LONG)
def run_long_job(*, organization_id: UUID, job_id: str) -> None:
    """The same for one of the LONG_KINDS, which keeps out of the way of the others."""
    run_job(organization_id=str(organization_id), job_id=job_id)


@shared_task(name="learning.sweep_jobs")
def sweep_jobs() -> None:
    """Wake a worker for each job that nobody works on."""
    each_organization(_wake_those_of)


def _wake_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        due = jobs.due_jobs()
        long = jobs.long_ones(job_ids=due)
    for job_id in due:
        task = run_long_job if job_id in long else run_job
        task.delay(organization_id=str(organization_id), job_id=str(job_id))


def worker_of(kind: str) -> Worker:
    """The generator that does this kind of job."""
    module, _, name = WORKERS[JobKind(kind)].rpartition(".")
    return cast(Worker, getattr(import_module(module), name))


def work_through(organization_id: UUID, work: Work) -> None:
    """One attempt at a claimed job, to one of its ends. Raises LostJob."""
    try:
        # Closed however it ends: a worker in the middle of its steps may hold a thread or a process.
        with closing(cast(Generator[Step, Any, None], worker_of(work.kind)(work))) as steps:
            answer = None
            while step := _step(organization_id, work, steps, answer):
                raise_when_stopping()
                answer = step.between() if step.between else None
    except Stopping:
        with organization_scope(organization_id):
            jobs.put_back_job(work=work)
    except JobCancelled:
        with organization_scope(organization_id):
            jobs.end_cancelled_job(work=work)
    except Refused as error:
        with organization_scope(organization_id):
            jobs.fail_job(work=work, reason=error.message)
    except LostJob:
        raise
    except Exception as error:
        # A fault of ours: the person who waits gets a reason, the log of the worker the traceback.
        with organization_scope(organization_id):
            jobs.fail_job(work=work, reason=f"Internal error: {type(error).__name__}. It is in the log.")
        raise
    else:
        with organization_scope(organization_id):
            jobs.finish_job(work=work)


def _step(organization_id: UUID, work: Work, steps: Iterator[Step], answer: Any = None) -> Step | None:
    """The next step and the record of it, together or not at all; None when there is no more.

    `answer`: what was fetched between the last step and this one.
    A cancelled job keeps the step that was just done: the wish is raised after its commit.
    """
    cancelled = False
    with organization_scope(organization_id, actor=work.actor):
        step = next(steps, None) if answer is None else _go_on(steps, answer)
        if step is not None:
            try:
                jobs.record_step(work=work, step=step)
            except JobCancelled:
                cancelled = True
    if cancelled:
        raise JobCancelled
    return step


def _go_on(steps: Iterator[Step], answer: Any) -> Step | None:
    try:
        return cast(Generator[Step, Any, None], steps).send(answer)
    except StopIteration:
        return None
