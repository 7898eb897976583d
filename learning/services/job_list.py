"""Which jobs whoever asks may see and steer, and what they refused. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from learning.models import Job, JobKind, JobStatus
from organizations.actors import Actor
from organizations.models import Role

# Their titles and results speak of a person who wants to be forgotten.
FOR_ADMINISTRATORS = (JobKind.ERASURE,)
RECENT = timedelta(days=7)


def visible_jobs(*, actor: Actor) -> QuerySet[Job]:
    """Those that the actor may see, and therefore cancel and resume; in no order."""
    jobs = Job.objects.all()
    return jobs if actor.allows(Role.ADMIN) else jobs.exclude(kind__in=FOR_ADMINISTRATORS)


def listed_jobs(*, actor: Actor) -> QuerySet[Job]:
    """The same for lists: without what may be long, which is shown for one job alone."""
    return visible_jobs(actor=actor).defer("request", "cursor", "result")


def failed_jobs(*, actor: Actor, limit: int = 5) -> list[Job]:
    """Jobs of the last days that failed and that nobody took up again, the newest first."""
    recent = listed_jobs(actor=actor).filter(status=JobStatus.FAILED, finished_at__gte=timezone.now() - RECENT)
    return list(recent.order_by("-id")[:limit])


def named_problems(problems: Iterable[Any]) -> list[dict[str, Any]]:
    """What a job refused, each as an object; earlier imports kept [file, line, reason]."""
    return [_named(problem) for problem in problems]


def _named(problem: Any) -> dict[str, Any]:
    if isinstance(problem, dict):
        return problem
    if isinstance(problem, list) and len(problem) == 3:
        file, line, reason = problem
        return {"file": file, "line": line, "field": "", "reason": reason}
    return {"reason": str(problem)}
