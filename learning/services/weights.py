"""How much an approved example counts in a dataset, as those who reviewed it can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from learning.models import LearningExample, ReviewStatus

BATCH = 500


def weigh_examples(*, weights: Mapping[UUID, float]) -> int:
    """Keep these weights (0-1) on the approved ones among the examples; how many were changed.

    Versions that were published keep the weights that they were published with.
    """
    changed = 0
    keys = sorted(weights, key=str)  # one order for all who write at the same time
    for start in range(0, len(keys), BATCH):
        rows = LearningExample.objects.filter(pk__in=keys[start : start + BATCH], review_status=ReviewStatus.APPROVED)
        moved = [row for row in rows if _differs(row.consensus_weight, weights[row.pk])]
        for row in moved:
            row.consensus_weight, row.updated_at = weights[row.pk], timezone.now()
        LearningExample.objects.bulk_update(moved, ["consensus_weight", "updated_at"])
        changed += len(moved)
    return changed


def _differs(before: float | None, now: float) -> bool:
    return before is None or abs(before - now) > 0.001  # less is no reason for another dataset version
