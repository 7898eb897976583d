"""How much an approved example counts in a dataset: as its reviewers can be relied on, or as a person says."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from learning.models import LearningExample, ReviewStatus
from organizations import audit
from organizations.errors import Refused

BATCH = 500
LARGEST = 100.0


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


def set_weight(*, example: LearningExample, weight: float | None) -> bool:
    """A person's word on how much an example counts (0-100), whatever its recipe computes; None takes it back.

    Whether it changed. It holds for versions that are published from now on. Raises Refused.
    """
    if weight is not None and not 0 <= weight <= LARGEST:
        raise Refused(f"A weight is a number from 0 to {LARGEST:g}.", "weight")
    with transaction.atomic():
        row = LearningExample.objects.select_for_update().get(pk=example.pk)
        before, example.weight_override = row.weight_override, weight
        if before == weight:
            return False
        row.weight_override = weight
        row.save(update_fields=["weight_override", "updated_at"])
        audit.record(action="example.weighed", target=row, before={"weight": before}, after={"weight": weight})
    return True


def _differs(before: float | None, now: float) -> bool:
    return before is None or abs(before - now) > 0.001  # less is no reason for another dataset version
