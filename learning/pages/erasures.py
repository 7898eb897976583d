"""Forgetting a person: look what there is, erase it, keep the receipt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from learning.models import ErasureReceipt, Job, JobKind, JobStatus
from learning.services import erasure, retention
from learning.services.erasure_words import explained
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 100


class ErasureForm(forms.Form):
    user = forms.CharField(
        label="Pseudonym",
        max_length=erasure.LONGEST,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The user_id that your application sends, and that imported examples have, exactly as it is there.",
    )


class RetentionForm(forms.Form):
    days = forms.IntegerField(
        label="Days",
        min_value=1,
        max_value=36_500,
        required=False,
        help_text="Left empty: as long as the installation keeps it.",
    )


@page(role=Role.ADMIN, methods=("GET", "POST"))
def erasure_list(request: Any) -> HttpResponse:
    """The receipts, what is being erased now, and the form; a POST shows what would go."""
    form = ErasureForm(request.POST or None)
    preview = None
    if request.method == "POST" and form.is_valid():
        try:
            preview = erasure.preview_erasure(user=form.cleaned_data["user"])
        except Refused as error:
            form.add_error(error.field, error.message)
    open_jobs = Job.objects.filter(kind=JobKind.ERASURE).exclude(status__in=[JobStatus.COMPLETED, JobStatus.CANCELLED])
    context = {
        "form": form,
        "preview": preview,
        "asked": form.cleaned_data["user"] if preview is not None else "",
        "counts": explained(preview.counts) if preview else [],
        "jobs": open_jobs.order_by("-id"),
        "receipts": ErasureReceipt.objects.order_by("-id")[:SHOWN],
        "retention": RetentionForm(initial={"days": retention.own_days()}),
        "kept_days": retention.kept_days(),
    }
    response = render(request, "learning/erasures.html", context)
    response["Cache-Control"] = "no-store"
    return response


@page(role=Role.ADMIN, methods=("POST",))
def erasure_start(request: Any) -> HttpResponse:
    """Erase; the form of the preview leads here, and this on to the page that follows the work."""
    try:
        job = erasure.request_erasure(user=request.POST.get("user", ""), requested_by=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("erasures")
    wake_for_job(job)
    return redirect("erasure-job", job_id=job.pk)


@page(role=Role.ADMIN)
def erasure_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """An erasure at work. The page asks again every two seconds, and ends at the receipt."""
    job = Job.objects.filter(pk=job_id, kind=JobKind.ERASURE).first()
    if job is None:
        raise Http404("There is no such erasure in this organization.")
    polled = getattr(request, "htmx", False)
    if receipt := ErasureReceipt.objects.filter(job_id=job.pk).first():
        address = reverse("erasure", args=[receipt.pk])
        return HttpResponseClientRedirect(address) if polled else redirect(address)
    template = "learning/_erasure_job.html" if polled else "learning/erasure_job.html"
    return render(request, template, {"job": job})


@page(role=Role.ADMIN, methods=("POST",))
def retention_set(request: Any) -> HttpResponse:
    """How long this organization keeps what was sent."""
    form = RetentionForm(request.POST)
    if form.is_valid():
        retention.set_own_days(days=form.cleaned_data["days"])
        messages.success(request, "The retention was changed.")
    else:
        messages.error(request, "The retention is a whole number of days from 1 to 36500, or empty.")
    return redirect("erasures")


@page(role=Role.ADMIN)
def erasure_detail(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """One receipt."""
    receipt = ErasureReceipt.objects.filter(pk=receipt_id).first()
    if receipt is None:
        raise Http404("There is no such receipt in this organization.")
    return render(request, "learning/erasure.html", {"receipt": receipt, "counts": explained(receipt.counted)})
