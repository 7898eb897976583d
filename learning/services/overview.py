"""Counts of learning for the dashboard. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Avg, Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from learning.models import (
    AgentFeedback,
    DatasetVersion,
    ExampleType,
    Execution,
    FeedbackType,
    LearningExample,
    ReviewStatus,
    RunStatus,
    TrainingRun,
)


@dataclass(frozen=True)
class DayOfFeedback:
    """Feedback of one day (UTC): counts, and the mean of its star ratings (1-5) or None."""

    day: date
    positive: int
    negative: int
    corrections: int
    rating: float | None


def count_examples() -> dict[str, int]:
    """Examples by review status, every status present, and `total`."""
    rows = LearningExample.objects.values_list("review_status").annotate(n=Count("id")).order_by()
    counts: dict[str, int] = dict.fromkeys(ReviewStatus.values, 0) | dict(rows)
    return counts | {"total": sum(counts.values())}


def count_runs() -> dict[str, int]:
    """Training runs by status, every status present."""
    rows = TrainingRun.objects.values_list("status").annotate(n=Count("id")).order_by()
    return dict.fromkeys(RunStatus.values, 0) | dict(rows)


def count_executions(*, days: int = 30) -> int:
    return Execution.objects.filter(started_at__gte=timezone.now() - timedelta(days=days)).count()


def count_published_versions() -> int:
    return DatasetVersion.objects.count()


def feedback_per_day(*, days: int = 14) -> list[DayOfFeedback]:
    """The last `days` days, today last, days without feedback included."""
    today = timezone.now().date()
    first = today - timedelta(days=days - 1)
    good = Q(feedback_type=FeedbackType.THUMBS_UP) | Q(rating__gte=4)
    bad = Q(feedback_type__in=[FeedbackType.THUMBS_DOWN, FeedbackType.REPORT_ISSUE]) | Q(rating__lte=2)
    rows = (
        AgentFeedback.objects.filter(created_at__date__gte=first)
        .annotate(day=TruncDate("created_at"))
        .values("day")
        .annotate(
            positive=Count("id", filter=good),
            negative=Count("id", filter=bad),
            corrections=Count("id", filter=Q(feedback_type=FeedbackType.CORRECTION)),
            rating_mean=Avg("rating"),
        )
        .order_by()
    )
    found = {row["day"]: row for row in rows}
    series = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        row = found.get(day)
        series.append(
            DayOfFeedback(day, row["positive"], row["negative"], row["corrections"], row["rating_mean"])
            if row
            else DayOfFeedback(day, 0, 0, 0, None)
        )
    return series


def recent_runs(*, limit: int = 5) -> list[TrainingRun]:
    return list(TrainingRun.objects.select_related("agent").order_by("-id")[:limit])


def has_corrections() -> bool:
    return LearningExample.objects.filter(example_type=ExampleType.CORRECTION).exists()
