"""The list of learning examples."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from learning.filters import ExampleFilter
from learning.models import LearningExample, QualityFlag
from learning.services.example_search import count_examples, find_examples, senseless_filters
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

FIRST_FILTERS = ("find", "agent", "status", "type", "flag")  # the others are folded away
FLAG_LABELS = dict(QualityFlag.choices)


class Row(NamedTuple):
    """An example in the list: the first lines of its texts, what was found when it was prepared."""

    example: LearningExample
    asked: str
    answer: str
    flags: list[str]
    redacted: int


@page(role=Role.MANAGER)
def example_list(request: HttpRequest) -> HttpResponse:
    """The newest first. The number of all that match is asked for separately, so that the list does not wait."""
    given = given_filters(request)
    for name, reason in senseless_filters(given).items():
        messages.warning(request, f"{reason} The list goes without this filter.")
        del given[name]
    if request.GET.get("count") and getattr(request, "htmx", False):
        return render(request, "learning/_example_count.html", {"counted": count_examples(wanted=given)})
    before = as_uuid(request.GET.get("before", ""))
    found = find_examples(wanted=given, before=before)
    form = ExampleFilter(given, queryset=LearningExample.objects.none()).form
    context = {
        "first": [form[name] for name in FIRST_FILTERS],
        "others": [form[name] for name in form.fields if name not in FIRST_FILTERS],
        "unfolded": any(name in given for name in form.fields if name not in FIRST_FILTERS),
        "rows": [_row(example) for example in found.rows],
        "looked_at": found.looked_at,
        "narrowed": bool(given),
        "given": list(given.items()),
        "count_url": "?" + urlencode(given | {"count": "1"}),
        "newest_url": ("?" + urlencode(given) if given else ".") if before else "",
        "next_url": "?" + urlencode(given | {"before": str(found.before)}) if found.before else "",
    }
    return render(request, "learning/examples.html", context)


def given_filters(request: HttpRequest) -> dict[str, str]:
    """The filters in the address that say something."""
    names = ExampleFilter.base_filters
    given = {name: str(value) for name, value in request.GET.items() if name in names}
    return {name: value for name, value in given.items() if value and "\x00" not in value}


def _row(example: Any) -> Row:
    answer = _first_line(example.wanted) or _first_line(example.answered)
    flags = [FLAG_LABELS.get(flag, flag) for flag in example.quality_flags]
    return Row(example, _first_line(example.asked), answer, flags, sum(example.redaction_found.values()))


def _first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
