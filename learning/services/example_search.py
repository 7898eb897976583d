"""The list of examples: the newest first, by pages that cost the same however many there are.

What no index tells is looked for among the next MOST_LOOKED_AT examples; whoever wants to know more asks for the next
page. Words are found by their index, unless so many examples hold them that the newest are soon found by looking
(docs/decisions/0014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Left

from learning.filters import ExampleFilter
from learning.models import LearningExample
from learning.services.example_words import are_words_indexed, holds_words, with_words
from organizations.errors import Refused

MOST_LOOKED_AT = 20_000
FEW = 5_000  # examples that hold the words, and are all looked at
MOST_COUNTED = 10_000
BEGINNING = 400  # characters of a text that the list shows the first line of
SHOWN = (
    "example_type", "source_type", "domain", "task_type", "tags", "quality_score", "predicted_quality",
    "review_status", "quality_flags", "redaction_found", "is_representative", "is_bridge", "prepared_version",
    "created_at", "agent__name",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """`before`: what to ask with for the next page; None on the last. `looked_at`: when the page is not full because
    only so many examples were looked at; None when that is not the reason."""

    rows: list[LearningExample]
    before: UUID | None = None
    looked_at: int | None = None


@dataclass(frozen=True)
class Counted:
    """`more`: there are more than `count`, and nobody counted on."""

    count: int
    more: bool = False


def find_examples(*, wanted: Mapping[str, Any], before: UUID | None = None, limit: int = 50) -> Found:
    """A page of the examples that the filters leave (`ExampleFilter`), older than the example `before`."""
    rows, exact = _by_words(LearningExample.objects.all(), str(wanted.get("find", "")))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    narrowed = narrow(rows, {**wanted, "find": ""})
    last, more = None, False
    if not exact and (narrowed.query.where != LearningExample.objects.all().query.where):
        reach = LearningExample.objects.filter(pk__lt=before) if before else LearningExample.objects.all()
        edge = list(reach.order_by("-id").values_list("pk", flat=True)[MOST_LOOKED_AT - 1 : MOST_LOOKED_AT + 1])
        last, more = next(iter(edge), None), len(edge) > 1
        narrowed = narrowed.filter(pk__gte=last) if last else narrowed
    page = list(_with_beginnings(narrowed).order_by("-id")[: limit + 1])
    if len(page) > limit:
        return Found(page[:limit], page[limit - 1].pk)
    return Found(page, last, MOST_LOOKED_AT) if more else Found(page)


def count_examples(*, wanted: Mapping[str, Any], most: int = MOST_COUNTED) -> Counted:
    """How many the filters leave, counted up to `most`."""
    rows, _ = _by_words(LearningExample.objects.all(), str(wanted.get("find", "")))
    count = narrow(rows, {**wanted, "find": ""}).order_by()[: most + 1].count()
    return Counted(min(count, most), count > most)


def narrow(rows: QuerySet[LearningExample], wanted: Mapping[str, Any]) -> QuerySet[LearningExample]:
    """What the filters leave of the rows. Raises Refused for a value that makes no sense: never more than was meant."""
    for name, reason in senseless_filters(wanted).items():
        raise Refused(reason, name)
    narrowed: QuerySet[LearningExample] = ExampleFilter(dict(wanted), queryset=rows).qs
    return narrowed


def senseless_filters(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the values of filters, by name: nothing for those that can be used."""
    form = ExampleFilter(dict(wanted), queryset=LearningExample.objects.none()).form
    return {name: f"{form.fields[name].label}: {reasons[0]}" for name, reasons in form.errors.items()}


def _by_words(rows: QuerySet[LearningExample], asked: str) -> tuple[QuerySet[LearningExample], bool]:
    """The rows that hold the words, and whether they are so few that all of them may be looked at."""
    if not asked.split() or "\x00" in asked:
        return rows, False
    if are_words_indexed():
        ids = list(with_words(asked).values_list("example_id", flat=True)[: FEW + 1])
        if len(ids) <= FEW:
            return rows.filter(pk__in=ids), True
    return rows.filter(holds_words(asked)), False


def _with_beginnings(rows: Any) -> Any:
    """What a list shows: never the whole texts, which may be long."""
    beginnings = {"asked": Left("input_text", BEGINNING), "wanted": Left("expected_output", BEGINNING)}
    answered = Left("original_output", BEGINNING)
    return rows.select_related("agent").only(*SHOWN).annotate(**beginnings, answered=answered)
