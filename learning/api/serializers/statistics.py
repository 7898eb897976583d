"""Feedback as it is summed up."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import ExternalId

MAX_DAYS = 3650


class SpanSerializer(serializers.Serializer[Any]):
    """What the statistics are of."""

    agent_id = ExternalId(required=False, help_text="Left out: all agents.")
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=30)


class IntervalSerializer(serializers.Serializer[Any]):
    low = serializers.FloatField()
    high = serializers.FloatField()


class FeedbackStatisticsSerializer(serializers.Serializer[Any]):
    """Numbers that nobody can know yet are null."""

    agent_id = serializers.CharField(allow_null=True)
    days = serializers.IntegerField()
    total_feedback = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True, help_text="Mean of the stars, 1-5.")
    satisfaction_rate = serializers.FloatField(
        allow_null=True, help_text="Share of thumbs up and 4-5 stars among all thumbs and stars, 0-1."
    )
    satisfaction_interval = IntervalSerializer(allow_null=True, help_text="95 % interval of it (Wilson).")
    rated_count = serializers.IntegerField()
    thumbs_up_count = serializers.IntegerField()
    thumbs_down_count = serializers.IntegerField()
    feedback_by_type = serializers.DictField(child=serializers.IntegerField())
    dimensions = serializers.DictField(child=serializers.FloatField(allow_null=True))


class IssueSerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    count = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True)


class IssuesSerializer(serializers.Serializer[Any]):
    agent_id = serializers.CharField(allow_null=True)
    days = serializers.IntegerField()
    issues = IssueSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="UTC")
    total_feedback = serializers.IntegerField()
    avg_rating = serializers.FloatField(allow_null=True)
    satisfaction_rate = serializers.FloatField(allow_null=True)
    thumbs_up_count = serializers.IntegerField()
    thumbs_down_count = serializers.IntegerField()
    corrections = serializers.IntegerField()


class AnalyticsSerializer(serializers.Serializer[Any]):
    agent_id = serializers.CharField(allow_null=True)
    days = serializers.IntegerField()
    buckets = DaySerializer(many=True)
