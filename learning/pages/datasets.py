"""Datasets: their recipe, what would be published now, and publishing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import DatasetVersion, Job, Split, TrainingDataset
from learning.pages.dataset_forms import DatasetForm
from learning.services import datasets
from learning.services.dataset_preview import Preview, preview_version
from learning.services.dataset_versions import count_readings
from learning.services.publication import LEFT_OUT
from learning.services.publication_jobs import open_publication, publish_or_queue
from learning.services.recipes import change_dataset, create_dataset
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 50  # versions on the page of a dataset


@page(role=Role.MANAGER)
def dataset_list(request: HttpRequest) -> HttpResponse:
    """All datasets with their newest version."""
    rows = list(TrainingDataset.objects.select_related("agent").order_by("name"))
    newest = DatasetVersion.objects.filter(dataset__in=rows).order_by("dataset", "-number").distinct("dataset")
    by_dataset = {version.dataset_id: version for version in newest.defer("card", "recipe")}
    listed = [(dataset, by_dataset.get(dataset.pk)) for dataset in rows]
    return render(request, "learning/datasets.html", {"datasets": listed})


@page(role=Role.MANAGER, methods=("GET", "POST"))
def dataset_create(request: HttpRequest) -> HttpResponse:
    """A new, empty selection."""
    form = DatasetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = create_dataset(**form.recipe())
        except Refused as error:
            form.refuse(error.field, error.message)
        else:
            return redirect("dataset", dataset_id=dataset.pk)
    return render(request, "learning/dataset_new.html", {"form": form})


@page(role=Role.MANAGER, methods=("GET", "POST"))
def dataset_change(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Another recipe, for the versions that are published from now on."""
    dataset = find_dataset(dataset_id)
    form = DatasetForm(request.POST if request.method == "POST" else None, dataset=dataset)
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_dataset(dataset=dataset, **form.recipe())
        except Refused as error:
            form.refuse(error.field, error.message)
        else:
            messages.success(request, "The recipe is changed." if changed else "Nothing was changed.")
            return redirect("dataset", dataset_id=dataset.pk)
    return render(request, "learning/dataset_new.html", {"form": form, "dataset": dataset})


@page(role=Role.MANAGER)
def dataset_detail(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """The recipe and the versions; what would be published now is loaded after it."""
    dataset = find_dataset(dataset_id)
    versions = list(dataset.versions.defer("card").order_by("-number")[:SHOWN])
    readings = count_readings(versions)
    whole = [version for version in versions if version.erased_at is None]
    context = {
        "dataset": dataset,
        "recipe": describe_recipe(dataset),
        "versions": [(version, readings.get(version.pk, 0)) for version in versions],
        "newest": whole[0] if whole else None,
        "comparable": len(whole) > 1,
        "publishing": open_publication(dataset),
    }
    return render(request, "learning/dataset.html", context)


@page(role=Role.MANAGER)
def dataset_preview(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """What a version made now would hold, and why the rest is left out."""
    dataset = find_dataset(dataset_id)
    preview = preview_version(dataset=dataset)
    context = {
        "dataset": dataset,
        "preview": preview,
        "splits": _splits(dataset, preview),
        "left_out": [(LEFT_OUT[reason], number) for reason, number in preview.left_out.items()],
        "publishing": open_publication(dataset),
    }
    template = "learning/_dataset_preview.html" if getattr(request, "htmx", False) else "learning/dataset_preview.html"
    return render(request, template, context)


@page(role=Role.MANAGER, methods=("POST",))
def dataset_publish(request: Any, dataset_id: UUID) -> HttpResponse:
    """An immutable version of what is approved now; a job makes it where there is much."""
    dataset = find_dataset(dataset_id)
    before = datasets.newest_number(dataset)
    try:
        made = publish_or_queue(dataset=dataset, user=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("dataset", dataset_id=dataset.pk)
    if isinstance(made, Job):
        wake_for_job(made)
        return redirect("job", job_id=made.pk)
    text = f"Version {made.number} holds {made.total} example{'' if made.total == 1 else 's'}."
    if made.number <= before:
        text = f"Nothing changed since version {made.number}, so no new version was made."
    messages.success(request, text)
    return redirect("dataset", dataset_id=dataset.pk)


def find_dataset(dataset_id: UUID) -> TrainingDataset:
    """The dataset, or a page that says that there is none."""
    dataset = TrainingDataset.objects.select_related("agent").filter(pk=dataset_id).first()
    if dataset is None:
        raise Http404("There is no such dataset in this organization.")
    return dataset


def describe_recipe(dataset: TrainingDataset) -> list[tuple[str, str]]:
    """The recipe in words; filters that leave nothing out are not in it."""
    train, validation = dataset.train_share / 100, dataset.validation_share / 100
    told: list[tuple[str, Any]] = [
        ("Agent", dataset.agent.name if dataset.agent else "all"),
        ("Domains", ", ".join(dataset.domains)),
        ("Task types", ", ".join(dataset.task_types)),
        ("Types", ", ".join(one.replace("_", " ") for one in dataset.example_types)),
        ("Sources", ", ".join(one.replace("_", " ") for one in dataset.source_types)),
        ("Tags", ", ".join(dataset.tags)),
        ("Least quality", "" if dataset.least_quality is None else f"{dataset.least_quality:g}"),
        ("Shares", f"train {train:g} %, validation {validation:g} %, test {100 - train - validation:.4g} %"),
        ("Never split", dataset.get_group_by_display()),
        ("Near-duplicates", dataset.get_duplicates_display()),
        ("Weighed by reviewers", "yes" if dataset.weigh_by_reviewers else "no"),
        ("Half-life", f"{dataset.half_life_days} days" if dataset.half_life_days else ""),
        ("Balanced by", dataset.get_balance_by_display() if dataset.balance_by else ""),
    ]
    return [(name, value) for name, value in told if value]


def _splits(dataset: TrainingDataset, preview: Preview) -> list[tuple[str, int, float, float]]:
    """(name, items, their share, the share that was asked for), shares in percent."""
    if not preview.total:
        return []
    asked = {Split.TRAIN: dataset.train_share, Split.VALIDATION: dataset.validation_share}
    rest = 10_000 - sum(asked.values())
    return [
        (split.label, number, 100 * number / preview.total, asked.get(split, rest) / 100)
        for split, number in ((Split(name), number) for name, number in preview.splits.items())
    ]
