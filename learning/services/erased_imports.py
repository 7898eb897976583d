"""Imports while a person is forgotten: a file may hold the person, and nobody can tell before it was read."""

from __future__ import annotations

from django.db.models import QuerySet

from learning.models import Job, JobKind, JobStatus
from learning.services.jobs import end_job

STOPPED = (
    "A person's data is being erased, and this file may hold some of it. Take it out of the file, then import it again."
)


def open_imports() -> QuerySet[Job]:
    """The imports that wait or work; in no order."""
    return Job.objects.filter(kind=JobKind.IMPORT, status__in=[JobStatus.PENDING, JobStatus.RUNNING])


def stop_imports() -> int:
    """End the imports that wait or work, in the caller's transaction; how many there were.

    A worker in the middle of one finds at the end of its step that the job is not its own, and keeps nothing of it.
    """
    # Locked, so that none is claimed or takes a step between the look and the move.
    found = list(open_imports().order_by("pk").select_for_update(of=("self",)))
    for job in found:
        end_job(job=job, to=JobStatus.FAILED, failure_reason=STOPPED)
    return len(found)
