"""Bringing a file of examples into a dataset: checked first, then imported as it was checked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.formats.catalogue import AUTO, FORMATS
from learning.models import Agent, Job, JobKind, JobStatus, SourceType, TrainingDataset
from learning.pages.job_words import refused_rows
from learning.services import artifact_store
from learning.services.example_imports import Wishes, import_checked, start_import
from learning.services.job_list import visible_jobs
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import page

SHOWN = 100  # refused lines on the page; the job keeps more


class ImportForm(forms.Form):
    """A file, and what is to become of it."""

    file = forms.FileField(
        help_text="At most 5 MB, also compressed (gzip, zip). Larger ones: manage.py import_examples."
    )
    format = forms.ChoiceField(
        choices=[(AUTO, "By what the file begins with"), *((name, one.label) for name, one in FORMATS.items())],
        initial=AUTO,
    )
    agent = forms.ModelChoiceField(
        Agent.objects.none(), required=False, help_text="Left out: each row names its own agent_id."
    )
    approve = forms.BooleanField(
        required=False, label="Approve them", help_text="They need no review: the dataset may take them at once."
    )
    benchmark = forms.BooleanField(required=False, label="They come from a benchmark")
    update = forms.BooleanField(
        required=False, label="Replace what is known", help_text="A known id with other content is replaced."
    )

    def __init__(self, dataset: TrainingDataset, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dataset = dataset
        if dataset.agent_id:
            del self.fields["agent"]
        else:
            self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def wishes(self) -> Wishes:
        """What the person asked for, as a dry run."""
        values = self.cleaned_data
        agent = values.get("agent")
        agent_id = self.dataset.agent_id or (agent.pk if agent else None)
        return Wishes(
            agent_id=str(agent_id) if agent_id else None,
            format=values["format"],
            dry_run=True,
            approve=values["approve"],
            update=values["update"],
            source_type=(SourceType.BENCHMARK if values["benchmark"] else SourceType.IMPORT).value,
        )


@page(role=Role.MANAGER, methods=("GET", "POST"))
def dataset_import(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """The form; after the upload, what the file would bring."""
    dataset = TrainingDataset.objects.select_related("agent").filter(pk=dataset_id).first()
    if dataset is None:
        raise Http404("There is no such dataset in this organization.")
    form = ImportForm(dataset, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            job = _check(form, request)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("dataset-import-checked", dataset_id=dataset.pk, job_id=job.pk)
    return render(request, "learning/dataset_import.html", {"dataset": dataset, "form": form})


@page(role=Role.MANAGER, methods=("GET", "POST"))
def dataset_import_checked(request: HttpRequest, dataset_id: UUID, job_id: UUID) -> HttpResponse:
    """What a checked file would bring, and the button that brings it."""
    dataset = TrainingDataset.objects.filter(pk=dataset_id).first()
    job = visible_jobs(actor=request.actor).filter(pk=job_id, kind=JobKind.IMPORT).first()  # type: ignore[attr-defined]
    if dataset is None or job is None:
        raise Http404("There is no such dataset or import in this organization.")
    refused = ""
    if request.method == "POST":
        try:
            started = import_checked(job=job, user=request.user)
        except Refused as error:
            refused = error.message
        else:
            wake_for_job(started)
            return redirect("job", job_id=started.pk)
    context = {
        "dataset": dataset,
        "job": job,
        "refused": refused,
        "ready": job.status == JobStatus.COMPLETED and job.request["wishes"]["dry_run"],
        "refusals": refused_rows(job.result, SHOWN),
        "brings": job.result.get("new", 0) + job.result.get("updated", 0),
    }
    template = "_dataset_checked" if getattr(request, "htmx", False) else "dataset_checked"
    return render(request, f"learning/{template}.html", context)


def _check(form: ImportForm, request: HttpRequest) -> Job:
    """Keep the file and look through it in a job. Raises Refused."""
    file = form.cleaned_data["file"]
    key = artifact_store.keep_upload(chunks=file.chunks())
    job = start_import(
        name=storable(file.name, 200),
        file=key,
        wishes=form.wishes(),
        user=request.user,
        dataset=str(form.dataset.pk),
    )
    wake_for_job(job)
    return job
