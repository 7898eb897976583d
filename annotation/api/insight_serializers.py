"""Agreement, experts, plans and what reviews changed, as they are shown."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from annotation.api.serializers import QueueItemSerializer


class Known(serializers.FloatField):
    """A number; null where it cannot be computed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return None if value is None or math.isnan(value) else float(value)


class AgreementIntervalSerializer(serializers.Serializer[Any]):
    value = Known()
    low = Known(help_text="Of the 95 % interval.")
    high = Known()


class ShareSerializer(AgreementIntervalSerializer):
    right = serializers.IntegerField()
    total = serializers.IntegerField()


class SubjectSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    level = serializers.ChoiceField(choices=["nominal", "ordinal", "interval"])
    raters = serializers.IntegerField()
    items = serializers.IntegerField(help_text="Rated by two or more.")
    alpha = AgreementIntervalSerializer(help_text="Krippendorff")
    fleiss = Known(help_text="Fleiss' kappa")
    ac2 = AgreementIntervalSerializer(help_text="Gwet")


class PairSerializer(serializers.Serializer[Any]):
    one = serializers.CharField()
    other = serializers.CharField()
    items = serializers.IntegerField()
    kappa = Known(help_text="Cohen")
    equal = serializers.FloatField(help_text="Share of equal decisions, 0-1.")


class AgreementSerializer(serializers.Serializer[Any]):
    opinions = serializers.IntegerField()
    subjects = SubjectSerializer(many=True)
    pairs = PairSerializer(many=True)


class AgreementFilterSerializer(serializers.Serializer[Any]):
    queue = serializers.UUIDField(required=False, help_text="Left out: the oldest active queue.")
    stage = serializers.CharField(max_length=50, required=False)


class StandingSerializer(serializers.Serializer[Any]):
    expert = serializers.CharField(source="username")
    queue = serializers.UUIDField(source="queue.pk")
    seat = serializers.UUIDField(source="seat.pk")
    reviews = serializers.IntegerField()
    approval = ShareSerializer()
    seconds = Known(help_text="The median for an item.")
    gold = ShareSerializer(help_text="Right answers to items with a known answer.")
    reliability = Known(help_text="Estimated probability that a decision is right (Dawid-Skene).")
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_because = serializers.CharField()


class StandingsSerializer(serializers.Serializer[Any]):
    experts = StandingSerializer(many=True)


class StandingFilterSerializer(serializers.Serializer[Any]):
    queue = serializers.UUIDField(required=False)
    days = serializers.IntegerField(min_value=1, max_value=365, default=90)


class PlanFilterSerializer(serializers.Serializer[Any]):
    queue = serializers.UUIDField(required=False)
    minutes = serializers.FloatField(min_value=1, max_value=1440, default=120)
    expert = serializers.CharField(max_length=150, required=False)


class PickSerializer(serializers.Serializer[Any]):
    item = QueueItemSerializer()
    value = serializers.FloatField()
    seconds = serializers.FloatField()


class PlanSerializer(serializers.Serializer[Any]):
    seconds = serializers.FloatField()
    considered = serializers.IntegerField()
    picks = PickSerializer(many=True)


class VersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    dataset = serializers.CharField(source="dataset.name")
    number = serializers.IntegerField()


class ProgressRunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agent = serializers.CharField(source="agent.external_id")
    status = serializers.CharField()


class ProgressConfigSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agent = serializers.CharField(source="agent.external_id")
    number = serializers.IntegerField()
    status = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    """A person's own work, and what became of it."""

    today = serializers.IntegerField()
    seconds = Known(help_text="The median for an item this week.")
    waiting = serializers.IntegerField(help_text="Counted up to 1,000.")
    reviews = serializers.IntegerField(source="impact.reviews")
    dataset_versions = VersionSerializer(many=True, source="impact.versions")
    training_runs = ProgressRunSerializer(many=True, source="impact.runs")
    configs = ProgressConfigSerializer(many=True, source="impact.configs")
    serving = serializers.ListField(child=serializers.CharField(), help_text="Agents that answer by one of them.")
