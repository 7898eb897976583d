"""How far a person has come today, and how long an item takes them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from annotation.models import ExpertAnnotation
from annotation.services.experts import MedianSeconds
from annotation.services.overview import start_of_today

NEWEST = 200  # reviews that the time per item is taken from


@dataclass(frozen=True)
class Day:
    """Reviews handed in on one day (UTC)."""

    day: date
    reviews: int


def reviewed_today(*, expert: Any) -> int:
    """Reviews of today (UTC) that stand, answers to gold items included: nobody is told which those are."""
    return ExpertAnnotation.objects.current().filter(expert=expert, created_at__gte=start_of_today()).count()


@dataclass(frozen=True)
class Today:
    """One person's work of today (UTC): reviews that stand, and the median seconds of one where a time is known."""

    reviews: int
    seconds: float | None


def work_of_today(*, expert: Any) -> Today:
    """What `reviewed_today` counts, and the time it took."""
    mine = ExpertAnnotation.objects.current().filter(expert=expert, created_at__gte=start_of_today())
    return Today(**mine.order_by().aggregate(reviews=Count("id"), seconds=MedianSeconds()))


def done_today_by_queue() -> dict[UUID, int]:
    """Reviews of today (UTC) that count, by queue, whoever made them; queues without one are left out."""
    today = ExpertAnnotation.objects.counted().filter(created_at__gte=start_of_today(), slot__isnull=False)
    return dict(today.order_by().values_list("slot__queue_id").annotate(Count("id")))


def seconds_per_item(*, expert: Any, days: int = 1) -> float | None:
    """The median seconds of the person's newest reviews of the last `days` days; None when no time is known."""
    since = start_of_today() - timedelta(days=days - 1)
    mine = ExpertAnnotation.objects.current().filter(expert=expert, created_at__gte=since)
    newest = mine.order_by("-created_at").values_list("seconds_spent", flat=True)[:NEWEST]
    known = [seconds for seconds in newest if seconds is not None]
    return median(known) if known else None


def reviews_per_day(*, expert: Any, days: int = 14) -> list[Day]:
    """The last `days` days, oldest first, days without a review included."""
    first = timezone.now().date() - timedelta(days=days - 1)
    rows = (
        ExpertAnnotation.objects.current()
        .filter(expert=expert, created_at__gte=start_of_today() - timedelta(days=days - 1))
        .annotate(day=TruncDate("created_at"))
        .values_list("day")
        .annotate(reviews=Count("id"))
    )
    counted = dict(rows)
    every = [first + timedelta(days=number) for number in range(days)]
    return [Day(day, counted.get(day, 0)) for day in every]
