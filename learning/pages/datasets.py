"""Datasets and their published versions."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import Agent, TrainingDataset
from learning.services import datasets, publication
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 50  # examples of the newest version on the page


class DatasetForm(forms.Form):
    """A new dataset: a name, and the agent whose approved examples belong in."""

    name = forms.CharField(max_length=200, help_text="Such as: Support answers, corrected")
    agent = forms.ModelChoiceField(Agent.objects.none(), help_text="Its approved examples belong to the dataset.")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]


@page(methods=("GET",))
def dataset_list(request: HttpRequest) -> HttpResponse:
    """All datasets with their newest version."""
    rows = TrainingDataset.objects.select_related("agent").prefetch_related("versions").order_by("name")
    listed = [(dataset, max(dataset.versions.all(), key=lambda one: one.number, default=None)) for dataset in rows]
    return render(request, "learning/datasets.html", {"datasets": listed})


@page(role=Role.MANAGER, methods=("GET", "POST"))
def dataset_create(request: HttpRequest) -> HttpResponse:
    """A new, empty selection."""
    form = DatasetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = datasets.create_dataset(**form.cleaned_data)
        except Refused as error:
            form.add_error(error.field, error.message)
        else:
            return redirect("dataset", dataset_id=dataset.pk)
    return render(request, "learning/dataset_new.html", {"form": form})


@page()
def dataset_detail(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """What would be published now, and what was."""
    dataset = _find(dataset_id)
    versions = list(dataset.versions.order_by("-number"))
    newest = versions[0] if versions else None
    eligible, distinct = datasets.eligible_examples(dataset).count(), datasets.count_distinct_inputs(dataset)
    context = {
        "dataset": dataset,
        "eligible": eligible,
        "distinct": distinct,
        "repeated": eligible - distinct,
        "versions": [(version, datasets.count_test_readings(version)) for version in versions],
        "newest": newest,
        "items": newest.items.exclude(split="test").order_by("-example_id")[:SHOWN] if newest else [],
    }
    return render(request, "learning/dataset.html", context)


@page(role=Role.MANAGER, methods=("POST",))
def dataset_publish(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """An immutable version of what is approved now."""
    dataset = _find(dataset_id)
    before = datasets.newest_number(dataset)
    try:
        version = publication.publish_version(dataset=dataset)
    except Refused as error:
        messages.error(request, error.message)
    else:
        text = f"Version {version.number} holds {version.total} examples."
        if version.number <= before:
            text = f"Nothing changed since version {version.number}, so no new version was made."
        messages.success(request, text)
    return redirect("dataset", dataset_id=dataset.pk)


def _find(dataset_id: UUID) -> TrainingDataset:
    dataset = TrainingDataset.objects.select_related("agent").filter(pk=dataset_id).first()
    if dataset is None:
        raise Http404("There is no such dataset in this organization.")
    return dataset
