"""Long work that a person starts: asked for, worked through step by step, cancelled, taken up again.

What a kind of job does is a generator: it works, and after each small step yields how far it is. Between the steps the
machinery writes progress and heartbeat, and looks whether somebody wants the work to stop. A step commits by itself
together with its cursor, so that a worker that is killed loses at most the step it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from learning.models import LONG_KINDS, Job, JobKind, JobStatus
from organizations import audit
from organizations.actors import Actor, person, system_actor
from organizations.errors import Conflict
from organizations.models import Membership
from organizations.scope import current_organization_id
from organizations.transitions import LostRace, move

SILENCE = timedelta(seconds=60)  # a step takes a few seconds at most
MOST_ATTEMPTS = 5
_HAS_ATTEMPTS = Q(attempt__lt=F("forgiven") + MOST_ATTEMPTS)
NAMING = "user"  # in the request of an erasure: whom to forget, until the job is over
FORGOTTEN = "This erasure ended and no longer knows whom it was about. Ask for it again: it goes on where it stopped."


class LostJob(Exception):
    """The job belongs to another attempt, or it is over. Leave quietly."""


class JobCancelled(Exception):
    """A person asked for it."""


@dataclass
class Step:
    """What a job has done so far. `cursor` and `result` replace what was kept before; None leaves it.

    `between` is called after the step's commit, outside of any transaction: for what takes long, such as a language
    model. The `yield` of this step gives what it gave.
    """

    done: int
    total: int | None = None
    cursor: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    between: Callable[[], Any] | None = None


@dataclass
class Work:
    """A claimed job as its generator sees it. `actor`: who asked for it, while they are a member."""

    job_id: UUID
    attempt: int
    kind: str
    actor: Actor
    request: dict[str, Any]
    cursor: dict[str, Any]
    result: dict[str, Any]
    done: int


class Worker(Protocol):
    """The work of one kind of job; called inside the organization's scope, one transaction for each step."""

    def __call__(self, work: Work) -> Iterator[Step]: ...


def start_job(*, kind: str, title: str, request: dict[str, Any], total: int | None = None, user: Any = None) -> Job:
    """Queue a job; wake a worker with `learning.waking.wake_for_job` after it."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind, title=title[:200], request=request, total=total, created_by=user)
        audit.record(action="job.requested", target=job, after={"kind": kind, "title": job.title})
    return job


def claim_job(*, job_id: UUID) -> Work | None:
    """Take a job that nobody has, or whose worker went silent; None when it is not to be had."""
    now = timezone.now()
    taken = Job.objects.filter(claimable(), pk=job_id).update(
        status=JobStatus.RUNNING,
        attempt=F("attempt") + 1,
        heartbeat_at=now,
        started_at=Coalesce(F("started_at"), now),
    )
    if not taken:
        return None
    job = Job.objects.select_related("created_by").get(pk=job_id)
    audit.record(action="job.claimed", target=job, after={"attempt": job.attempt})
    actor = _actor(job)
    return Work(job.pk, job.attempt, job.kind, actor, job.request, job.cursor, job.result, job.done)


def record_step(*, work: Work, step: Step) -> None:
    """Keep how far a job is, in the transaction of the step itself. Raises LostJob, JobCancelled."""
    values: dict[str, Any] = {"done": step.done, "heartbeat_at": timezone.now()}
    for name in ("total", "cursor", "result"):
        if (value := getattr(step, name)) is not None:
            values[name] = value
    if not _mine(work).update(**values):
        raise LostJob
    work.done, work.cursor = step.done, work.cursor if step.cursor is None else step.cursor
    work.result = work.result if step.result is None else step.result
    if Job.objects.filter(pk=work.job_id, cancel_requested=True).exists():
        raise JobCancelled


def beat_job(*, work: Work) -> None:
    """The worker is alive, in the middle of a long step. Says nothing when the job is not its own any more."""
    _mine(work).update(heartbeat_at=timezone.now())


def keep_alive(*, work: Work) -> None:
    """Say between two steps that the job is being worked on. Raises LostJob, JobCancelled."""
    if not _mine(work).update(heartbeat_at=timezone.now()):
        raise LostJob
    if Job.objects.filter(pk=work.job_id, cancel_requested=True).exists():
        raise JobCancelled


def finish_job(*, work: Work) -> None:
    """Raises LostJob."""
    _settle(work, JobStatus.COMPLETED)


def fail_job(*, work: Work, reason: str) -> None:
    """End a job with a reason in words for a person. Raises LostJob."""
    _settle(work, JobStatus.FAILED, failure_reason=reason)


def end_cancelled_job(*, work: Work) -> None:
    """What was done until now stays done. Raises LostJob."""
    _settle(work, JobStatus.CANCELLED)


def put_back_job(*, work: Work) -> None:
    """The product stops: the job goes on after the next start, and this attempt does not count. Raises LostJob."""
    with transaction.atomic():
        job = _lock(work)
        if job.cancel_requested:  # nobody would take it up again
            end_job(job=job, to=JobStatus.CANCELLED)
        else:
            move(job, JobStatus.PENDING, forgiven=job.forgiven + 1)


def request_job_cancel(*, job: Job) -> None:
    """Stop a job: at once while it waits, after its step while it works. Raises Conflict when it is over already."""
    if job.status == JobStatus.PENDING:
        try:
            end_job(job=job, to=JobStatus.CANCELLED, cancel_requested=True)
            return
        except LostRace:
            job.refresh_from_db()  # a worker claimed it in this very moment
    if job.status != JobStatus.RUNNING:
        raise Conflict(f"This job is {job.status}; there is nothing to cancel.", "status")
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING).update(cancel_requested=True):
            raise Conflict("This job has ended meanwhile; there is nothing to cancel.", "status")
        audit.record(action="job.cancel_requested", target=job)


def resume_job(*, job: Job) -> None:
    """Go on where a failed or cancelled job stopped. Raises Conflict in any other state, and for an ended erasure."""
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED) and not is_complete(job):
        raise Conflict(FORGOTTEN, "status")
    values: dict[str, Any] = {"cancel_requested": False, "failure_reason": "", "finished_at": None}
    move(job, JobStatus.PENDING, forgiven=job.attempt, **values)


def is_complete(job: Job) -> bool:
    """Whether its request still says all that it takes to go on: an erasure that ended names nobody."""
    return job.kind != JobKind.ERASURE or NAMING in job.request


def end_job(*, job: Job, to: str, **values: Any) -> None:
    """Move a job to one of its ends; the audit tells what was done until then, where the job counts it in its cursor.

    Raises LostRace.
    """
    with transaction.atomic():
        move(job, to, finished_at=timezone.now(), **_forgetting(job), **values)
        if to != JobStatus.COMPLETED and (counts := job.cursor.get("counts")):
            audit.record(action="job.left_off", target=job, after=counts)


def due_jobs() -> list[UUID]:
    """Jobs that a worker should take up; those whose worker went silent too often are ended here."""
    for job in Job.objects.filter(_silent() & (~_HAS_ATTEMPTS | Q(cancel_requested=True))):
        cancelled = job.cancel_requested
        to, reason = (JobStatus.CANCELLED, "") if cancelled else (JobStatus.FAILED, _silence(job))
        with suppress(LostRace):  # it came to an end by itself
            end_job(job=job, to=to, failure_reason=reason)
    return list(Job.objects.filter(claimable()).order_by("id").values_list("pk", flat=True))


def long_ones(*, job_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these jobs that hold a worker for long (docs/decisions/0021)."""
    return set(Job.objects.filter(pk__in=list(job_ids), kind__in=LONG_KINDS).values_list("pk", flat=True))


def claimable() -> Q:
    """What may be claimed: nobody has it, or its worker went silent."""
    return (Q(status=JobStatus.PENDING) | _silent()) & _HAS_ATTEMPTS & Q(cancel_requested=False)


def _forgetting(job: Job) -> dict[str, Any]:
    """What ends without a receipt does not go on naming the person: there may never be one who resumes it."""
    naming = job.kind == JobKind.ERASURE and NAMING in job.request
    return {"request": {name: value for name, value in job.request.items() if name != NAMING}} if naming else {}


def _silent() -> Q:
    return Q(status=JobStatus.RUNNING, heartbeat_at__lt=timezone.now() - SILENCE)


def _silence(job: Job) -> str:
    going_on = "ask for the erasure again" if job.kind == JobKind.ERASURE else "the job can be resumed"
    return f"The worker went silent {job.attempt - job.forgiven} times. What was done until then is kept; {going_on}."


def _actor(job: Job) -> Actor:
    membership = Membership.objects.select_related("organization").filter(user=job.created_by).first()
    return person(job.created_by, membership) if membership else system_actor(current_organization_id())


def _mine(work: Work) -> Any:
    return Job.objects.filter(pk=work.job_id, attempt=work.attempt, status=JobStatus.RUNNING)


def _lock(work: Work) -> Job:
    job: Job | None = _mine(work).select_for_update().first()
    if job is None:
        raise LostJob
    return job


def _settle(work: Work, to: str, **values: Any) -> None:
    with transaction.atomic():
        end_job(job=_lock(work), to=to, **values)
