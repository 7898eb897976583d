"""The data card of a version: what a person should know before trusting it, computed once from what was published."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from learning.models import DatasetVersion, LearningExample


def write_card(*, version: DatasetVersion, left_out: dict[str, int]) -> None:
    """Compute and keep the card of a new version, in the transaction that publishes it."""
    version.card = {"left_out": left_out, **_described(version)}
    version.save(update_fields=["card", "updated_at"])


def _described(version: DatasetVersion) -> dict[str, Any]:
    members = LearningExample.objects.filter(dataset_items__version=version)
    return {
        name: dict(members.order_by().values_list(name).annotate(number=Count("id")))
        for name in ("example_type", "source_type")
    }
