"""The numbers of the feedback page as charts and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from learning.services.statistics import Bucket, Change, FeedbackStatistics
from project.overview.charts import Band, Series, band_chart, bar_chart, value_text


@dataclass(frozen=True)
class Card:
    """One number and what it was before, in words."""

    label: str
    value: str
    note: str
    testid: str


def amounts_chart(buckets: Sequence[Bucket], bucket: str) -> SafeString:
    """How much came, by what it says."""
    return bar_chart(
        title=f"Feedback per {bucket}",
        labels=_labels(buckets),
        series=[
            Series("positive", [each.positive_count for each in buckets]),
            Series("negative", [each.negative_count for each in buckets]),
            Series("corrections", [each.corrections for each in buckets]),
        ],
    )


def satisfaction_chart(buckets: Sequence[Bucket], bucket: str) -> SafeString:
    """The share of positive ratings with its interval; a gap where nobody rated."""
    moments = [
        Band(
            label,
            _percent(each.satisfaction_rate),
            _percent(each.satisfaction_interval.low if each.satisfaction_interval else None),
            _percent(each.satisfaction_interval.high if each.satisfaction_interval else None),
        )
        for label, each in zip(_labels(buckets), buckets, strict=True)
    ]
    return band_chart(
        title=f"Satisfaction per {bucket}, with its 95 % interval", moments=moments, unit="%", ends=(0, 100)
    )


def cards(now: FeedbackStatistics, before: FeedbackStatistics, change: Change) -> list[Card]:
    """The span's numbers beside those of the span before."""
    return [
        Card("Feedback", value_text(now.total_feedback), _beside(value_text(before.total_feedback)), "feedback-total"),
        Card(
            "Satisfaction",
            _share(now.satisfaction_rate),
            f"{_known(now)}{_points(before, change)}",
            "feedback-satisfaction",
        ),
        Card("Mean stars", value_text(now.avg_rating), _beside(value_text(before.avg_rating)), "feedback-rating"),
        Card("Corrections", *_type(now, before, "correction"), "feedback-corrections"),
        Card("Reported issues", *_type(now, before, "report_issue"), "feedback-reports"),
    ]


def _type(now: FeedbackStatistics, before: FeedbackStatistics, name: str) -> tuple[str, str]:
    return value_text(now.feedback_by_type[name]), _beside(value_text(before.feedback_by_type[name]))


def _known(now: FeedbackStatistics) -> str:
    """How well the share is known: its interval, and how many ratings it comes from."""
    if now.satisfaction_interval is None:
        return ""
    low, high = now.satisfaction_interval.low * 100, now.satisfaction_interval.high * 100
    return f"95 %: {low:.1f}% to {high:.1f}%, n = {now.rated_count:,}; "


def _points(before: FeedbackStatistics, change: Change) -> str:
    if change.satisfaction_rate is None or change.satisfaction_interval is None:
        return _beside(_share(before.satisfaction_rate))
    low, high = change.satisfaction_interval.low * 100, change.satisfaction_interval.high * 100
    return f"{change.satisfaction_rate * 100:+.1f} points (95 %: {low:+.1f} to {high:+.1f})"


def _beside(value: str) -> str:
    return "nothing to compare" if value == "-" else f"{value} in the days before"


def _share(rate: float | None) -> str:
    return value_text(_percent(rate), "%")


def _percent(rate: float | None) -> float | None:
    return None if rate is None else rate * 100


def _labels(buckets: Sequence[Bucket]) -> list[str]:
    return [each.date.strftime("%d %b") for each in buckets]
