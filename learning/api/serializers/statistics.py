"""Feedback as it is summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from learning.api.serializers.fields import ExternalId
from learning.services.reading_plan import Span
from learning.services.statistics import BUCKETS, bucket_starts

MAX_DAYS = 3650
MOST_BUCKETS = {"hour": 31 * 24, "day": 366, "week": 530, "month": 130}
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
RATE_HELP = "Share of thumbs up and 4-5 stars among all thumbs and stars, 0-1."


class SpanSerializer(serializers.Serializer[Any]):
    """What the statistics are of: the last days, or from one moment to another. validated_data has `span`."""

    agent_id = ExternalId(required=False, help_text="Left out: all agents.")
    days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        help_text="So many times 24 hours, until now or `to`. Left out: 30.",
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name that a class could have."""
        ends = {
            "from": serializers.DateTimeField(required=False, help_text="Instead of days: the first moment."),
            "to": serializers.DateTimeField(required=False, help_text="The end, itself not included. Left out: now."),
        }
        return super().get_fields() | ends

    def validate(self, attrs: Any) -> Any:
        start, end = attrs.get("from"), attrs.get("to") or timezone.now()
        if start is not None and "days" in attrs:
            raise serializers.ValidationError({"days": ["Give days or from, not both."]})
        for name in ("from", "to"):
            if attrs.get(name) is not None and not EARLIEST <= attrs[name] <= LATEST:
                raise serializers.ValidationError({name: ["This lies before the year 2000 or after 2099."]})
        if start is None:
            start = self.start_of_days(end, attrs.setdefault("days", 30), "to" in attrs)
        if start >= end:
            raise serializers.ValidationError({"from": ["This must come before `to`, or before now."]})
        if end - start > timedelta(days=MAX_DAYS):
            raise serializers.ValidationError({"from": [f"Ask for at most {MAX_DAYS} days."]})
        return attrs | {"span": Span(start.astimezone(UTC), end.astimezone(UTC)), "days": attrs.get("days")}

    def start_of_days(self, end: datetime, days: int, fixed_end: bool) -> datetime:
        return end - timedelta(days=days)


class BucketsSerializer(SpanSerializer):
    """Days are calendar days (UTC) here, today the last one."""

    bucket = serializers.ChoiceField(choices=BUCKETS, default="day", help_text="UTC; weeks begin on Monday.")

    def start_of_days(self, end: datetime, days: int, fixed_end: bool) -> datetime:
        if fixed_end:
            return end - timedelta(days=days)
        today = end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=days - 1)

    def validate(self, attrs: Any) -> Any:
        attrs = super().validate(attrs)
        bucket, most = attrs["bucket"], MOST_BUCKETS[attrs["bucket"]]
        if len(bucket_starts(attrs["span"], bucket)) > most:
            raise serializers.ValidationError(
                {"days" if attrs["days"] else "from": [f"Ask for at most {most} {bucket}s by {bucket}."]}
            )
        return attrs


class IntervalSerializer(serializers.Serializer[Any]):
    low = serializers.FloatField()
    high = serializers.FloatField()


class SpanAnswerSerializer(serializers.Serializer[Any]):
    """What each answer repeats. `days` is null when `from` was given."""

    agent_id = serializers.CharField(allow_null=True)
    days = serializers.IntegerField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        ends = {
            "from": serializers.DateTimeField(source="span.start"),
            "to": serializers.DateTimeField(source="span.end"),
        }
        return super().get_fields() | ends


class NumbersSerializer(serializers.Serializer[Any]):
    """Numbers that nobody can know yet are null."""

    total_feedback = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True, help_text="Mean of the stars, 1-5.")
    satisfaction_rate = serializers.FloatField(allow_null=True, help_text=RATE_HELP)
    satisfaction_interval = IntervalSerializer(allow_null=True, help_text="95 % interval of it (Wilson).")
    rated_count = serializers.IntegerField()
    thumbs_up_count = serializers.IntegerField()
    thumbs_down_count = serializers.IntegerField()
    feedback_by_type = serializers.DictField(child=serializers.IntegerField())
    dimensions = serializers.DictField(child=serializers.FloatField(allow_null=True))


class ChangeSerializer(serializers.Serializer[Any]):
    """This span minus the one of the same length before it."""

    total_feedback = serializers.IntegerField()
    total_share = serializers.FloatField(allow_null=True, help_text="As a share of the count before: 0.5 is half more.")
    avg_rating = serializers.FloatField(allow_null=True)
    satisfaction_rate = serializers.FloatField(allow_null=True)
    satisfaction_interval = IntervalSerializer(allow_null=True, help_text="95 % interval of the change (Newcombe).")


class FeedbackStatisticsSerializer(NumbersSerializer, SpanAnswerSerializer):
    """Numbers of the span, of the span of the same length before it, and what changed."""

    previous = NumbersSerializer()
    change = ChangeSerializer()


class IssueSerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    count = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True)
    previous_count = serializers.IntegerField(help_text="In the span of the same length before.")


class IssuesSerializer(SpanAnswerSerializer):
    issues = IssueSerializer(many=True)


class BucketSerializer(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="UTC")
    start = serializers.DateTimeField()
    total_feedback = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True)
    satisfaction_rate = serializers.FloatField(allow_null=True)
    satisfaction_interval = IntervalSerializer(allow_null=True)
    rated_count = serializers.IntegerField()
    thumbs_up_count = serializers.IntegerField()
    thumbs_down_count = serializers.IntegerField()
    corrections = serializers.IntegerField()


class AnalyticsSerializer(SpanAnswerSerializer):
    bucket = serializers.CharField()
    buckets = BucketSerializer(many=True)
