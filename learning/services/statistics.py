"""What the feedback of a time span amounts to. Reads only; what is undefined is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Any

from django.db.models import Avg, Count, F, Func, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from learning.models import Agent, AgentFeedback, FeedbackType

DIMENSIONS = ("accuracy", "helpfulness", "clarity", "completeness")
# A thumb is a rating, and so are stars with whatever type of feedback they came. A thumb outweighs the stars beside it.
RATED = Q(feedback_type__in=[FeedbackType.THUMBS_UP, FeedbackType.THUMBS_DOWN]) | Q(rating__isnull=False)
POSITIVE = Q(feedback_type=FeedbackType.THUMBS_UP) | Q(rating__gte=4) & ~Q(feedback_type=FeedbackType.THUMBS_DOWN)
NUMBERS = {
    "total_feedback": Count("id"),
    "avg_rating": Avg("rating"),
    "rated": Count("id", filter=RATED),
    "positive": Count("id", filter=POSITIVE),
    "thumbs_up_count": Count("id", filter=Q(feedback_type=FeedbackType.THUMBS_UP)),
    "thumbs_down_count": Count("id", filter=Q(feedback_type=FeedbackType.THUMBS_DOWN)),
}


@dataclass(frozen=True)
class Interval:
    """Ends of a 95 % interval of a share, 0-1."""

    low: float
    high: float


@dataclass(frozen=True)
class FeedbackStatistics:
    """avg_rating and dimensions: mean of 1-5. satisfaction_rate: share of positive among rated, 0-1."""

    days: int
    total_feedback: int
    avg_rating: float | None
    satisfaction_rate: float | None
    satisfaction_interval: Interval | None
    rated_count: int
    thumbs_up_count: int
    thumbs_down_count: int
    feedback_by_type: dict[str, int]
    dimensions: dict[str, float | None]


@dataclass(frozen=True)
class Issue:
    """How often a category was named, and the mean of the stars (1-5) given with it."""

    category: str
    count: int
    avg_rating: float | None


@dataclass(frozen=True)
class Day:
    """Feedback of one day, UTC. satisfaction_rate: share of positive among rated, 0-1."""

    date: date
    total_feedback: int
    avg_rating: float | None
    satisfaction_rate: float | None
    thumbs_up_count: int
    thumbs_down_count: int
    corrections: int


def summarize_feedback(*, agent: Agent | None, days: int) -> FeedbackStatistics:
    """The last `days` times 24 hours of one agent, or of all."""
    rows = _feedback(agent, timezone.now() - timedelta(days=days))
    sums: dict[str, Any] = rows.aggregate(**NUMBERS, **{name: Avg(name) for name in DIMENSIONS})
    counted = rows.values_list("feedback_type").annotate(n=Count("id")).order_by()
    positive, rated = sums.pop("positive"), sums.pop("rated")
    return FeedbackStatistics(
        days=days,
        satisfaction_rate=share(positive, rated),
        satisfaction_interval=wilson_interval(positive, rated),
        rated_count=rated,
        feedback_by_type=dict.fromkeys(FeedbackType.values, 0) | dict(counted),
        dimensions={name: sums.pop(name) for name in DIMENSIONS},
        **sums,
    )


def count_issues(*, agent: Agent | None, days: int) -> list[Issue]:
    """The categories that were named, the most frequent first."""
    rows = (
        _feedback(agent, timezone.now() - timedelta(days=days))
        .annotate(category=Func(F("issue_categories"), function="unnest"))
        .values("category")
        .annotate(count=Count("id"), avg_rating=Avg("rating"))
        .order_by("-count", "category")
    )
    return [Issue(**row) for row in rows]


def summarize_days(*, agent: Agent | None, days: int) -> list[Day]:
    """The last `days` calendar days (UTC), today last, days without feedback included."""
    today = timezone.now().date()
    first = today - timedelta(days=days - 1)
    midnight = datetime.combine(first, datetime.min.time(), tzinfo=timezone.get_default_timezone())
    rows = (
        _feedback(agent, midnight)
        .annotate(day=TruncDate("created_at"))
        .values("day")
        .annotate(**NUMBERS, corrections=Count("id", filter=Q(feedback_type=FeedbackType.CORRECTION)))
        .order_by()
    )
    found: dict[date, dict[str, Any]] = {row["day"]: {**row} for row in rows}
    return [_day(first + timedelta(days=offset), found) for offset in range(days)]


def share(part: int, whole: int) -> float | None:
    """part / whole; None of nothing."""
    return part / whole if whole else None


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a share; None without trials."""
    if not trials:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = successes / trials, 1 + z * z / trials
    center = (rate + z * z / (2 * trials)) / shrink
    margin = z / shrink * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return Interval(max(0.0, center - margin), min(1.0, center + margin))


def _feedback(agent: Agent | None, since: datetime) -> QuerySet[AgentFeedback]:
    rows = AgentFeedback.objects.filter(created_at__gte=since)
    return rows.filter(agent=agent) if agent else rows


def _day(day: date, found: dict[date, dict[str, Any]]) -> Day:
    row = dict(found.get(day) or {name: None if name == "avg_rating" else 0 for name in (*NUMBERS, "corrections")})
    positive, rated = row.pop("positive"), row.pop("rated")
    row.pop("day", None)
    return Day(date=day, satisfaction_rate=share(positive, rated), **row)
