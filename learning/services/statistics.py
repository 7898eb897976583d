"""What the feedback of a time span amounts to. Reads only; what is undefined is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from learning.models import Agent, FeedbackType
from learning.services.feedback_sums import Row, add_up
from learning.services.intervals import Interval, difference_interval, share, wilson_interval
from learning.services.reading_plan import DAY, HOUR, Span, floor
from learning.services.rollup_sql import DIMENSIONS, FEEDBACK, ISSUES

BUCKETS = ("hour", "day", "week", "month")
NOTHING: Row = dict.fromkeys(FEEDBACK.numbers, 0)


@dataclass(frozen=True)
class FeedbackStatistics:
    """avg_rating and dimensions: mean of 1-5. satisfaction_rate: share of positive among rated, 0-1."""

    total_feedback: int
    avg_rating: float | None
    satisfaction_rate: float | None
    satisfaction_interval: Interval | None
    positive_count: int
    rated_count: int
    thumbs_up_count: int
    thumbs_down_count: int
    feedback_by_type: dict[str, int]
    dimensions: dict[str, float | None]


@dataclass(frozen=True)
class Change:
    """A span minus the one before it. total_share: the change of the count as a share of the count before."""

    total_feedback: int
    total_share: float | None
    avg_rating: float | None
    satisfaction_rate: float | None
    satisfaction_interval: Interval | None


@dataclass(frozen=True)
class Issue:
    """How often a category was named, now and in the span before, and the mean of the stars (1-5) given with it."""

    category: str
    count: int
    avg_rating: float | None
    previous_count: int


@dataclass(frozen=True)
class Bucket:
    """Feedback of one hour, day, week (from Monday) or month, UTC. satisfaction_rate: positive among rated, 0-1."""

    start: datetime
    total_feedback: int
    avg_rating: float | None
    satisfaction_rate: float | None
    satisfaction_interval: Interval | None
    rated_count: int
    positive_count: int
    negative_count: int
    thumbs_up_count: int
    thumbs_down_count: int
    corrections: int

    @property
    def date(self) -> date:
        return self.start.date()


def summarize_feedback(*, agent: Agent | None, span: Span) -> FeedbackStatistics:
    """One agent's feedback, or that of all."""
    rows = add_up(shape=FEEDBACK, span=span, agent_id=agent.pk if agent else None)
    sums = rows[0] if rows else NOTHING
    return FeedbackStatistics(
        total_feedback=sums["total"],
        avg_rating=_mean(sums, "rating"),
        satisfaction_rate=share(sums["positive"], sums["rated"]),
        satisfaction_interval=wilson_interval(sums["positive"], sums["rated"]),
        positive_count=sums["positive"],
        rated_count=sums["rated"],
        thumbs_up_count=sums["thumbs_up"],
        thumbs_down_count=sums["thumbs_down"],
        feedback_by_type={name: sums[name] for name in FeedbackType.values},
        dimensions={name: _mean(sums, name) for name in DIMENSIONS},
    )


def compare(now: FeedbackStatistics, before: FeedbackStatistics) -> Change:
    """What changed, with a 95 % interval where the difference has one."""
    added = now.total_feedback - before.total_feedback
    return Change(
        total_feedback=added,
        total_share=share(added, before.total_feedback),
        avg_rating=_minus(now.avg_rating, before.avg_rating),
        satisfaction_rate=_minus(now.satisfaction_rate, before.satisfaction_rate),
        satisfaction_interval=difference_interval(
            (now.positive_count, now.rated_count), (before.positive_count, before.rated_count)
        ),
    )


def count_issues(*, agent: Agent | None, span: Span) -> list[Issue]:
    """The categories that were named, the most frequent first."""
    agent_id = agent.pk if agent else None
    rows = add_up(shape=ISSUES, span=span, agent_id=agent_id)
    earlier = add_up(shape=ISSUES, span=span.before(), agent_id=agent_id) if rows else []
    before = {row["category"]: row["total"] for row in earlier}
    issues = [
        Issue(row["category"], row["total"], _mean(row, "rating"), before.get(row["category"], 0))
        for row in rows
        if row["total"]  # an hour that is summed again may have lost its last one
    ]
    return sorted(issues, key=lambda issue: (-issue.count, issue.category))


def summarize_buckets(*, agent: Agent | None, span: Span, bucket: str = "day") -> list[Bucket]:
    """The buckets that the span touches, the last one last, those without feedback included.

    The first and the last hold only what lies in the span.
    """
    rows = add_up(shape=FEEDBACK, span=span, agent_id=agent.pk if agent else None, bucket=bucket)
    found = {row["bucket"]: row for row in rows}
    return [_bucket(start, found.get(start, NOTHING)) for start in bucket_starts(span, bucket)]


def bucket_starts(span: Span, bucket: str) -> list[datetime]:
    """Where the buckets that the span touches begin."""
    start = first_of(span.start, bucket)
    starts = []
    while start < span.end:
        starts.append(start)
        start = first_of(start + timedelta(days=32), bucket) if bucket == "month" else start + _LENGTHS[bucket]
    return starts


def first_of(moment: datetime, bucket: str) -> datetime:
    """The beginning of the hour, day, week or month (UTC) that the moment lies in."""
    if bucket == "hour":
        return floor(moment, HOUR)
    midnight = floor(moment, DAY)
    if bucket == "week":
        return midnight - midnight.weekday() * DAY
    return midnight.replace(day=1) if bucket == "month" else midnight


_LENGTHS = {"hour": HOUR, "day": DAY, "week": 7 * DAY}


def _bucket(start: datetime, sums: Row) -> Bucket:
    return Bucket(
        start=start,
        total_feedback=sums["total"],
        avg_rating=_mean(sums, "rating"),
        satisfaction_rate=share(sums["positive"], sums["rated"]),
        satisfaction_interval=wilson_interval(sums["positive"], sums["rated"]),
        rated_count=sums["rated"],
        positive_count=sums["positive"],
        negative_count=sums["negative"],
        thumbs_up_count=sums["thumbs_up"],
        thumbs_down_count=sums["thumbs_down"],
        corrections=sums["correction"],
    )


def _mean(sums: Row, name: str) -> float | None:
    return share(sums[f"{name}_sum"], sums[f"{name}_count"])


def _minus(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before
