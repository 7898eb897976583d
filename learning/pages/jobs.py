"""Long work: the list, one job live, stopping and going on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import Job, JobKind, JobStatus
from learning.pages.job_words import links_of, read_outcome
from learning.services import jobs
from learning.services.job_list import listed_jobs, visible_jobs
from learning.services.undoing import resume_job, undo_job, undone_by, why_not_undo
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

SHOWN = 25
RESUMABLE = (JobStatus.FAILED, JobStatus.CANCELLED)


@page(role=Role.MANAGER)
def job_list(request: HttpRequest) -> HttpResponse:
    """All jobs, the newest first."""
    rows = listed_jobs(actor=_actor(request)).select_related("created_by").order_by("-id")
    before = as_uuid(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    more = f"?before={found[SHOWN - 1].pk}" if len(found) > SHOWN else ""
    context = {"jobs": found[:SHOWN], "more": more, "newest_url": "." if before else ""}
    return render(request, "learning/jobs.html", context)


@page(role=Role.MANAGER)
def job_detail(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job. While it works, the page asks again every two seconds."""
    job = _find(request, job_id)
    context = {
        "job": job,
        "outcome": read_outcome(job.result),
        "links": links_of(job),
        "resumable": job.status in RESUMABLE and jobs.is_complete(job),
        "undoable": not why_not_undo(job),
        "undone_by": undone_by(job),
        "undoes": job.request.get("job") if job.kind == JobKind.UNDO else None,
    }
    template = "learning/_job.html" if getattr(request, "htmx", False) else "learning/job.html"
    return render(request, template, context)


@page(role=Role.MANAGER, methods=("POST",))
def job_cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Stop a job."""
    job = _find(request, job_id)
    try:
        jobs.request_job_cancel(job=job)
    except Refused as error:
        messages.error(request, error.message)
    else:
        waits = job.status == JobStatus.RUNNING
        messages.success(request, "The job stops after its step." if waits else "The job is cancelled.")
    return redirect("job", job_id=job.pk)


@page(role=Role.MANAGER, methods=("POST",))
def job_resume(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Go on where a job stopped."""
    job = _find(request, job_id)
    try:
        resume_job(job=job)
    except Refused as error:
        messages.error(request, error.message)
    else:
        wake_for_job(job)
        messages.success(request, "The job goes on where it stopped.")
    return redirect("job", job_id=job.pk)


@page(role=Role.MANAGER, methods=("POST",))
def job_undo(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Put back what an action on many examples changed."""
    job = _find(request, job_id)
    try:
        undoing = undo_job(job=job, user=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("job", job_id=job.pk)
    wake_for_job(undoing)
    return redirect("job", job_id=undoing.pk)


def _find(request: HttpRequest, job_id: UUID) -> Job:
    job = visible_jobs(actor=_actor(request)).select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such job in this organization.")
    return job


def _actor(request: HttpRequest) -> Any:
    return request.actor  # type: ignore[attr-defined]
