"""A published version: its data card, its open items, and what differs from another one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify

from learning.models import DatasetVersion, LearningExample, Split, TrainingDataset
from learning.pages.datasets import find_dataset
from learning.pages.version_words import counts_of, describe_change, histograms, left_out_of
from learning.services.dataset_diff import KINDS, changed_recipe, count_differences, list_differences
from learning.services.dataset_versions import find_number, list_readings, open_items, replacement_of
from learning.services.weights import LARGEST, set_weight
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

LISTED = 100  # other versions to compare with
MOST_DIGITS = 9  # of a number in an address


@page(role=Role.MANAGER)
def version_card(request: HttpRequest, dataset_id: UUID, number: int) -> HttpResponse:
    """What a person should know before trusting the version."""
    version = _find(dataset_id, number)
    context = {
        "version": version,
        "dataset": version.dataset,
        "card": version.card,
        "counts": counts_of(version.card),
        "left_out": left_out_of(version.card),
        "lengths": histograms(version.card),
        "readings": list_readings(version),
        "replacement": replacement_of(version),
        "splits": [
            (label, getattr(version, f"{name}_count"))
            for name, label in Split.choices
        ],
        "others": _whole(version.dataset).exclude(pk=version.pk).values_list("number", flat=True)[:LISTED],
    }  # fmt: skip
    return render(request, "learning/dataset_version.html", context)


@page(role=Role.MANAGER)
def version_json(request: HttpRequest, dataset_id: UUID, number: int) -> HttpResponse:
    """The card as a file."""
    version = _find(dataset_id, number)
    told = {
        "dataset": version.dataset.name, "version": version.number, "published_at": version.created_at,
        "manifest_sha256": version.manifest_hash, "total": version.total, "recipe": version.recipe, **version.card,
        "test_split_opened": len(list_readings(version)),
    }  # fmt: skip
    answer = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False})
    name = f"{slugify(version.dataset.name) or 'dataset'}-{version.number}-card.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@page(role=Role.MANAGER)
def version_items(request: HttpRequest, dataset_id: UUID, number: int) -> HttpResponse:
    """The items outside the test split, with their weights."""
    version = _find(dataset_id, number)
    split = request.GET.get("split", "")
    split = split if split in (Split.TRAIN, Split.VALIDATION) else ""
    after = as_uuid(request.GET.get("after", ""))
    items, following = open_items(version, split=split, after=after)
    context = {
        "version": version,
        "dataset": version.dataset,
        "items": items,
        "split": split,
        "splits": [(one.value, one.label) for one in (Split.TRAIN, Split.VALIDATION)],
        "more": _query(split=split, after=following) if following else "",
        "first": _query(split=split) if after else "",
    }
    return render(request, "learning/dataset_items.html", context)


@page(role=Role.MANAGER)
def version_diff(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Two versions side by side; without numbers the newest and the one before."""
    dataset = find_dataset(dataset_id)
    numbers = list(_whole(dataset).values_list("number", flat=True)[:LISTED])
    new = _numbered(dataset_id, request.GET.get("to", ""), numbers[:1])
    old = _numbered(dataset_id, request.GET.get("from", ""), [one for one in numbers if new and one < new.number][:1])
    context: dict[str, Any] = {"dataset": dataset, "numbers": numbers, "old": old, "new": new}
    if old and new:
        context |= _differences(request, old, new)
    return render(request, "learning/dataset_diff.html", context)


@page(role=Role.MANAGER, methods=("GET", "POST"))
def example_weight(request: HttpRequest, example_id: UUID) -> HttpResponse:
    """How much an example counts, by a person's word."""
    example = LearningExample.objects.select_related("agent").filter(pk=example_id).first()
    if example is None:
        raise Http404("There is no such example in this organization.")
    back, problem = as_uuid(request.GET.get("dataset", "")), ""
    given = request.POST.get("weight", "").strip().replace(",", ".")
    if request.method == "POST":
        try:
            set_weight(example=example, weight=float(given) if given else None)
        except ValueError:
            problem = f"A weight is a number from 0 to {LARGEST:g}."
        except Refused as error:
            problem = error.message
        else:
            messages.success(request, "The weight holds for versions that are published from now on.")
            return redirect("dataset", dataset_id=back) if back else redirect("example-weight", example_id=example.pk)
    context = {"example": example, "problem": problem, "given": given, "back": back}
    return render(request, "learning/example_weight.html", context)


def _differences(request: HttpRequest, old: DatasetVersion, new: DatasetVersion) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    after = as_uuid(request.GET.get("after", ""))
    rows, following = list_differences(old=old, new=new, kind=kind, after=after)
    counts = count_differences(old=old, new=new)
    pair = {"from": old.number, "to": new.number}
    return {
        "kind": kind,
        "kinds": [("", "All", _query(**pair)), *((one, one.capitalize(), _query(**pair, kind=one)) for one in KINDS)],
        "counts": [(one.capitalize(), [counts[one][split] for split in Split.values]) for one in KINDS],
        "splits": Split.labels,
        "differ": any(sum(by_split.values()) for by_split in counts.values()),
        "recipe": [describe_change(name, *both) for name, both in changed_recipe(old=old, new=new).items()],
        "rows": rows,
        "more": _query(**pair, kind=kind, after=following) if following else "",
        "first": _query(**pair, kind=kind) if after else "",
    }


def _numbered(dataset_id: UUID, asked: str, otherwise: list[int]) -> DatasetVersion | None:
    """The version with the number in an address; without any the first of the others."""
    if asked.isdecimal() and asked.isascii() and len(asked) <= MOST_DIGITS:
        return _find(dataset_id, int(asked))
    return _find(dataset_id, otherwise[0]) if otherwise and not asked else None


def _whole(dataset: TrainingDataset) -> QuerySet[DatasetVersion]:
    """The versions that still hold what they were published with, the newest first."""
    return dataset.versions.filter(erased_at=None).order_by("-number")


def _find(dataset_id: UUID, number: int) -> DatasetVersion:
    found = find_number(find_dataset(dataset_id), number) if number < 10**MOST_DIGITS else None
    if found is None:
        raise Http404("This dataset has no such version.")
    return found


def _query(**values: Any) -> str:
    return "?" + urlencode({name: value for name, value in values.items() if value})
