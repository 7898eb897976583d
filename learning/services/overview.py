"""Counts of learning for the dashboard. Reads only."""

from __future__ import annotations

from datetime import UTC, timedelta

from django.db.models import Count
from django.utils import timezone

from learning.models import (
    Agent,
    AgentFeedback,
    DatasetVersion,
    Execution,
    LearningExample,
    ReviewStatus,
    RunStatus,
    TrainingRun,
)
from learning.services.reading_plan import DAY, Span, floor
from learning.services.statistics import Bucket, summarize_buckets


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


def has_serving_agent() -> bool:
    """Whether any agent was told how it asks its model."""
    return Agent.objects.filter(serving_config__isnull=False).exists()


def has_feedback() -> bool:
    """Whether anybody has said anything that is still kept."""
    return AgentFeedback.objects.exists()


def count_published_versions() -> int:
    return DatasetVersion.objects.count()


def feedback_per_day(*, days: int = 14) -> list[Bucket]:
    """The last `days` days, today last, days without feedback included."""
    now = timezone.now().astimezone(UTC)
    return summarize_buckets(agent=None, span=Span(floor(now, DAY) - (days - 1) * DAY, now))


def recent_runs(*, limit: int = 5) -> list[TrainingRun]:
    return list(TrainingRun.objects.select_related("agent").order_by("-id")[:limit])
