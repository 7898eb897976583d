"""Undoing an action on many examples: what still is as the action left it becomes what it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from learning.models import Job, JobChange, JobKind, JobStatus, LearningExample
from learning.services import jobs
from learning.services.cluster_review import release_representative
from learning.services.clusters import lock_splits
from learning.services.jobs import Step, Work, start_job
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.transitions import move

BATCH = 200
MOST_PROBLEMS = 200
OVER = (JobStatus.FAILED, JobStatus.CANCELLED)


def undo_job(*, job: Job, user: Any = None) -> Job:
    """Queue the undoing. Raises Conflict when there is nothing to undo, or somebody did already."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)  # nobody resumes it meanwhile
        if reason := why_not_undo(job):
            raise Conflict(reason, "status")
        total = JobChange.objects.filter(job=job).count()
        request = {"job": str(job.pk)}
        return start_job(kind=JobKind.UNDO, title=f"Undo: {job.title}", request=request, total=total, user=user)


def resume_job(*, job: Job) -> None:
    """Go on where any job stopped. Raises Conflict for one that was undone, and for the undoing of one that works."""
    with transaction.atomic():
        undoes = Job.objects.filter(pk=job.request["job"]) if job.kind == JobKind.UNDO else Job.objects.none()
        keys = [job.pk, *undoes.values_list("pk", flat=True)]
        list(Job.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
        job.refresh_from_db()
        if why := _why_not_resume(job, undoes.first()):
            raise Conflict(why, "status")
        jobs.resume_job(job=job)


def _why_not_resume(job: Job, undoes: Job | None) -> str:
    if undoes:
        return why_not_undo(undoes)
    # An undoing that was stopped has put a part back, and may go on itself.
    begun = Job.objects.filter(kind=JobKind.UNDO, request__job=str(job.pk)).exclude(status__in=OVER, done=0)
    return "It was undone. Start the action anew instead." if begun.exists() else ""


def why_not_undo(job: Job) -> str:
    """Why a job cannot be undone, in words; empty when it can."""
    if job.kind != JobKind.BULK_ACTION:
        return "Only an action on many examples can be undone."
    if job.is_open:
        return "It still works. Cancel it first."
    if not JobChange.objects.filter(job=job).exists():
        return "It changed nothing that could be put back."
    if undone_by(job):
        return "It was undone already."
    return ""


def undone_by(job: Job) -> Job | None:
    """The job that undoes this one, or did."""
    rows = Job.objects.filter(kind=JobKind.UNDO, request__job=str(job.pk)).exclude(status__in=OVER)
    return rows.order_by("-id").first()


def work(work: Work) -> Iterator[Step]:
    """Step by step through what was changed, in the order of the examples' keys."""
    changes = JobChange.objects.filter(job_id=UUID(work.request["job"])).order_by("target_id")
    result = {"restored": 0, "left": 0, "problems": []} | work.result
    after, done = work.cursor.get("after"), work.done
    while batch := list((changes.filter(target_id__gt=after) if after else changes)[:BATCH]):
        _restore(batch, result)
        done, after = done + len(batch), str(batch[-1].target_id)
        yield Step(done, cursor={"after": after}, result=result)


def _restore(batch: list[JobChange], result: dict[str, Any]) -> None:
    if any("is_representative" in change.before for change in batch):
        lock_splits()
    rows = LearningExample.objects.select_for_update().filter(pk__in=[change.target_id for change in batch])
    known = {example.pk: example for example in rows.order_by("pk")}
    for change in batch:
        reason = _put_back(known.get(change.target_id), change)
        result["left" if reason else "restored"] += 1
        if reason:
            problem = {"example": str(change.target_id), "reason": reason}
            result["problems"] = [*result["problems"], problem][:MOST_PROBLEMS]


def _put_back(example: LearningExample | None, change: JobChange) -> str:
    """Why the example stays as it is, in words; empty when it was put back."""
    if example is None:
        return "It was deleted since."
    if any(getattr(example, name) != value for name, value in change.after.items()):
        return "Somebody changed it since."
    try:
        _write(example, change.before)
    except Refused as error:
        return error.message
    return ""


def _write(example: LearningExample, before: dict[str, Any]) -> None:
    if "review_status" in before:
        move(example, before["review_status"], field="review_status", updated_at=timezone.now())
    elif "is_representative" in before:
        release_representative(example=example)
    else:
        now = {name: getattr(example, name) for name in before}
        LearningExample.objects.filter(pk=example.pk).update(**before, updated_at=timezone.now())
        audit.record(action="example.restored", target=example, before=now, after=before)
