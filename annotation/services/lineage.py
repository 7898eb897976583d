"""The way from an example to what experts said about it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from annotation.models import ExpertAnnotation


def annotations_of(example_ids: Iterable[UUID]) -> dict[UUID, list[ExpertAnnotation]]:
    """The reviews that decided, by example, oldest first; examples without one are left out."""
    rows = ExpertAnnotation.objects.counted().filter(example_id__in=list(example_ids)).select_related("expert")
    found: dict[UUID, list[ExpertAnnotation]] = {}
    for row in rows.order_by("id"):
        found.setdefault(row.example_id, []).append(row)
    return found


def history_of(example_id: UUID) -> list[ExpertAnnotation]:
    """Everything that was said about an example, superseded, withdrawn and extra opinions included, oldest first."""
    return list(ExpertAnnotation.objects.filter(example_id=example_id).select_related("expert").order_by("id"))
