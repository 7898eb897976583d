"""Counts of review for the dashboard. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Exists, OuterRef, Q
from django.utils import timezone

from annotation.models import Decision, ExpertAnnotation, FlagStatus, ItemFlag, Slot, SlotStatus
from learning.models import LearningExample
from learning.services.review import AWAITING


@dataclass(frozen=True)
class Throughput:
    """One expert's reviews over some days. `approval_rate` is 0-1; `seconds` is the mean time per item, or None."""

    username: str
    reviews: int
    approved: int
    seconds: float | None

    @property
    def approval_rate(self) -> float:
        return self.approved / self.reviews


def pending_annotations() -> int:
    """Examples that wait for a reviewer. What was set aside waits for a manager instead (flags.open_flags)."""
    aside = Slot.objects.filter(example=OuterRef("pk"), status=SlotStatus.SET_ASIDE)
    return LearningExample.objects.filter(review_status__in=AWAITING).exclude(Exists(aside)).count()


def count_open_flags() -> int:
    """Items that reviewers set aside for a manager."""
    return ItemFlag.objects.filter(status=FlagStatus.OPEN).count()


def count_waiting(*, kind: str) -> int:
    """Slots of this kind that are open or claimed."""
    return Slot.objects.filter(kind=kind, waiting=True).count()


def has_reviews() -> bool:
    """Whether anybody has reviewed anything."""
    return ExpertAnnotation.objects.exists()


def annotated_today(*, expert: Any = None) -> int:
    """Reviews of today (UTC) that stand; of one person when given."""
    today = ExpertAnnotation.objects.counted().filter(created_at__gte=start_of_today())
    return (today.filter(expert=expert) if expert is not None else today).count()


def expert_throughput(*, days: int = 14) -> list[Throughput]:
    """Who reviewed how much in the last `days` days, the busiest first. People who have left count as one."""
    rows = (
        ExpertAnnotation.objects.counted()
        .filter(created_at__gte=timezone.now() - timedelta(days=days))
        .values("expert__username")
        .annotate(
            reviews=Count("id"), approved=Count("id", filter=Q(decision=Decision.APPROVE)), seconds=Avg("seconds_spent")
        )
        .order_by("-reviews", "expert__username")
    )
    return [
        Throughput(row["expert__username"] or "people who have left", row["reviews"], row["approved"], row["seconds"])
        for row in rows
    ]


def start_of_today() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
