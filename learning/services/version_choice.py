"""Which dataset versions a run is offered: a bounded list, the newest first, by a part of a name."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from learning.models import Agent, DatasetVersion

MOST_LISTED = 25


def trainable_versions() -> QuerySet[DatasetVersion]:
    """Versions of one agent's dataset in which nobody was forgotten."""
    rows = DatasetVersion.objects.filter(dataset__agent__isnull=False, erased_at=None)
    return rows.select_related("dataset__agent").defer("card", "recipe")


def listed_versions(*, named: str = "", agent: Agent | None = None, asked: UUID | None = None) -> list[DatasetVersion]:
    """At most MOST_LISTED, and the one asked for in front, wherever it would stand."""
    rows = trainable_versions().order_by("-id")
    if agent is not None:
        rows = rows.filter(dataset__agent=agent)
    if named:
        by_agent = Q(dataset__agent__name__icontains=named) | Q(dataset__agent__external_id__icontains=named)
        rows = rows.filter(Q(dataset__name__icontains=named) | by_agent)
    found = list(rows[:MOST_LISTED])
    if asked is None or any(version.pk == asked for version in found):
        return found
    return [*trainable_versions().filter(pk=asked), *found]
