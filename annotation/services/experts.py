"""What is known about each expert: how much, how fast, how right, how reliable. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, FloatField, OuterRef, Q, Subquery
from django.utils import timezone

from annotation.intervals import Share, share_of
from annotation.models import AnnotationQueue, Decision, ExpertAnnotation, QueueSeat, SlotKind


class MedianSeconds(Aggregate):
    """The median of the seconds spent; None when none were told."""

    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, **extra: Any) -> None:
        super().__init__("seconds_spent", **extra)


@dataclass(frozen=True)
class ExpertStanding:
    """One expert at one queue. Shares 0-1; `reliability` is the estimated probability that a decision is right."""

    username: str
    queue: AnnotationQueue
    reviews: int
    approval: Share
    seconds: float | None  # median per item
    gold: Share
    reliability: float | None
    paused_at: datetime | None
    paused_because: str
    seat: QueueSeat


def expert_standings(*, queue: AnnotationQueue | None = None, days: int = 90) -> list[ExpertStanding]:
    """Everybody who has worked at the queue (or at any), by queue and name, over so many days."""
    seats = QueueSeat.objects.select_related("expert", "queue").order_by("queue_id", "expert__username")
    if queue is not None:
        seats = seats.filter(queue=queue)
    since = timezone.now() - timedelta(days=days)
    rows = ExpertAnnotation.objects.current().filter(created_at__gte=since, extra=False)
    counted: dict[Any, Any] = {
        (row["expert_id"], row["slot__queue_id"]): row
        for row in rows.values("expert_id", "slot__queue_id")
        .annotate(
            reviews=Count("id", filter=~Q(kind=SlotKind.GOLD)),
            approved=Count("id", filter=Q(decision=Decision.APPROVE) & ~Q(kind=SlotKind.GOLD)),
            seconds=MedianSeconds(),
        )
        .order_by()
    }
    gold = _gold_counts()
    return [_standing(seat, counted.get((seat.expert_id, seat.queue_id), {}), gold) for seat in seats[:500]]


def _standing(seat: QueueSeat, row: dict[str, Any], gold: dict[Any, tuple[int, int]]) -> ExpertStanding:
    return ExpertStanding(
        username=seat.expert.username,
        queue=seat.queue,
        reviews=row.get("reviews", 0),
        approval=share_of(row.get("approved", 0), row.get("reviews", 0)),
        seconds=row.get("seconds"),
        gold=share_of(*gold.get((seat.expert_id, seat.queue_id), (0, 0))),
        reliability=seat.reliability,
        paused_at=seat.paused_at,
        paused_because=seat.paused_because,
        seat=seat,
    )


def _gold_counts() -> dict[Any, tuple[int, int]]:
    """{(expert, queue): (right, answered)}, since the person was last let go on."""
    seat = QueueSeat.objects.filter(queue=OuterRef("slot__queue"), expert=OuterRef("expert"))
    rows = (
        ExpertAnnotation.objects.gold()
        .filter(gold_right__isnull=False, created_at__gt=Subquery(seat.values("judged_from")[:1]))
        .values("expert_id", "slot__queue_id")
        .annotate(right=Count("id", filter=Q(gold_right=True)), total=Count("id"))
        .order_by()
    )
    return {(row["expert_id"], row["slot__queue_id"]): (row["right"], row["total"]) for row in rows}
