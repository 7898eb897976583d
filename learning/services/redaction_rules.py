"""By which rules examples are redacted, and noticing when these rules have changed.

The rules are the product's own (their version, and the settings) and the organization's patterns. After a change of any
of them, every example is marked to be prepared again, batch by batch. Versions that were published stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Left

from learning.models import LearningExample, PreparationProgress
from learning.services.clusters import lock_splits
from organizations.redaction.findings import Recognizer
from organizations.redaction.redactor import VERSION, standard_recognizers
from organizations.redaction_patterns import active_patterns, recognizers_of

MARKED_AT_ONCE = 5_000
SAMPLED = 200  # newest examples that a new pattern is looked at with
BEGINNING = 500  # characters of each of their texts
FIRST = UUID(int=0)


def recognizers() -> Sequence[Recognizer]:
    """What finds personal data for the organization in scope: its own patterns, then what everybody has."""
    return [*recognizers_of(active_patterns()), *_standard(tuple(settings.REDACTION_REGIONS), settings.REDACTION_NAMES)]


def redaction_rules() -> dict[str, Any]:
    """The rules in force, as a data card states them."""
    return {
        "version": VERSION,
        "regions": sorted(settings.REDACTION_REGIONS),
        "names": settings.REDACTION_NAMES,
        "own": dict(active_patterns()),
    }


def recent_texts() -> Iterator[str]:
    """The beginnings of the texts of the newest examples: what a pattern is looked at with before it is kept."""
    names = ("input_text", "original_output", "expected_output", "rejected_output")
    rows = LearningExample.objects.order_by("-id").values_list(*(Left(name, BEGINNING) for name in names))
    for row in rows[:SAMPLED]:
        yield from row


def mark_outdated(*, limit: int = MARKED_AT_ONCE) -> bool:
    """Mark examples that were prepared by other rules, at most `limit`; whether another call would find more."""
    with transaction.atomic():
        # Whoever prepares holds this lock too: nobody is left who has read the patterns before they were changed.
        lock_splits()
        progress = PreparationProgress.objects.first() or PreparationProgress.objects.create(rules={})
        rules = redaction_rules()
        if progress.rules != rules:
            # Before there was anything to choose, everything was prepared by the product's own rules.
            chosen = progress.rules or rules["own"] or rules["names"]
            progress.rules, progress.marked_to = rules, FIRST if chosen else None
            progress.save()
        if progress.marked_to is None:
            return False
        following = LearningExample.objects.filter(pk__gt=progress.marked_to).order_by("id")
        batch = list(following.values_list("id", flat=True)[:limit])
        LearningExample.objects.filter(pk__in=batch, prepared_version__gt=0).update(prepared_version=0)
        progress.marked_to = batch[-1] if len(batch) == limit else None
        progress.save()
        return progress.marked_to is not None


@lru_cache(maxsize=4)
def _standard(regions: tuple[str, ...], names: bool) -> tuple[Recognizer, ...]:
    return tuple(standard_recognizers(regions, names=names))
