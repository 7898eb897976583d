"""Queues, rubrics, gold items, flags, plans and statistics as they are sent and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotation.api.serializers import LeaseSerializer, QueueItemSerializer
from annotation.models import AfterReject, Decision, FlagReason, FlagStatus, QuestionKind, SkipPolicy
from annotation.services.flags import OUTCOMES
from annotation.services.queues import ENTERING
from learning.api.serializers.fields import BoundedObject, ExternalId, Number, StrictSerializer, Text, optional_text
from learning.models import ExampleType


def share(highest: float = 1, **kwargs: Any) -> serializers.FloatField:
    return Number(min_value=0, max_value=highest, required=False, **kwargs)


class QueueRulesSerializer(StrictSerializer):
    """The rules of a queue; what is left out stays as it is."""

    name = serializers.CharField(max_length=100, required=False)
    agent = ExternalId(required=False, allow_null=True, help_text="Only examples of this agent.")
    domain = serializers.CharField(max_length=100, required=False, allow_blank=True)
    example_types = serializers.ListField(
        child=serializers.ChoiceField(choices=ExampleType.choices), max_length=20, required=False
    )
    statuses = serializers.ListField(
        child=serializers.ChoiceField(choices=[(str(one), one.label) for one in ENTERING]), max_length=5, required=False
    )
    rubric = serializers.UUIDField(required=False, allow_null=True)
    reviews_per_item = serializers.IntegerField(min_value=1, max_value=20, required=False)
    max_reviews = serializers.IntegerField(min_value=1, max_value=40, required=False, allow_null=True)
    disagreement_threshold = share()
    stages = serializers.ListField(child=serializers.CharField(max_length=50), max_length=20, required=False)
    experts = serializers.ListField(
        child=serializers.CharField(max_length=150), max_length=1000, required=False,
        help_text="User names; none lets every expert in.",
    )  # fmt: skip
    blind = serializers.BooleanField(required=False)
    skip_policy = serializers.ChoiceField(choices=SkipPolicy.choices, required=False)
    on_reject = serializers.ChoiceField(choices=AfterReject.choices, required=False)
    gold_share = share(0.5)
    gold_bar = share()
    gold_minimum = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    auto_approve = serializers.BooleanField(required=False)
    audit_share = share()
    active = serializers.BooleanField(required=False)


class NewQueueSerializer(QueueRulesSerializer):
    name = serializers.CharField(max_length=100)


class QueueDetailSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agent = serializers.CharField(source="agent.external_id", default=None, allow_null=True)
    domain = serializers.CharField()
    example_types = serializers.ListField(child=serializers.CharField())
    statuses = serializers.ListField(child=serializers.CharField())
    rubric = serializers.UUIDField(source="rubric_id", allow_null=True)
    reviews_per_item = serializers.IntegerField()
    max_reviews = serializers.IntegerField(allow_null=True)
    disagreement_threshold = serializers.FloatField()
    stages = serializers.ListField(child=serializers.CharField())
    experts = serializers.ListField(child=serializers.CharField(), source="expert_names")
    blind = serializers.BooleanField()
    skip_policy = serializers.ChoiceField(choices=SkipPolicy.choices)
    on_reject = serializers.ChoiceField(choices=AfterReject.choices)
    gold_share = serializers.FloatField()
    gold_bar = serializers.FloatField()
    gold_minimum = serializers.IntegerField()
    auto_approve = serializers.BooleanField()
    audit_share = serializers.FloatField()
    active = serializers.BooleanField()


class QuestionSerializer(StrictSerializer):
    key = serializers.CharField(max_length=50)
    label = serializers.CharField(max_length=500)  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=QuestionKind.choices)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    options = serializers.ListField(child=serializers.CharField(max_length=200), max_length=30, required=False)
    lowest = serializers.IntegerField(min_value=-100, max_value=100, required=False)
    highest = serializers.IntegerField(min_value=-100, max_value=100, required=False)
    help = serializers.CharField(max_length=500, required=False, allow_blank=True)


class QuestionsSerializer(StrictSerializer):
    questions = serializers.ListField(child=QuestionSerializer(), min_length=1, max_length=30)


class NewRubricSerializer(QuestionsSerializer):
    name = serializers.CharField(max_length=100)


class RubricSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    questions = serializers.ListField(child=serializers.DictField(child=serializers.JSONField()))


class NewGoldSerializer(StrictSerializer):
    queue = serializers.UUIDField()
    example_id = serializers.UUIDField()
    right_decision = serializers.ChoiceField(choices=Decision.choices)
    right_answers = BoundedObject(max_chars=20_000)
    shown_output = optional_text(help_text="What experts judge; left out: the agent's own. Corrections need it.")
    explanation = optional_text()


class GoldItemSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    queue = serializers.UUIDField(source="queue_id")
    example_id = serializers.UUIDField()
    right_decision = serializers.ChoiceField(choices=Decision.choices)
    right_answers = serializers.DictField(child=serializers.JSONField())
    shown_output = serializers.CharField()
    explanation = serializers.CharField()
    active = serializers.BooleanField()


class FlaggingSerializer(LeaseSerializer):
    reason = serializers.ChoiceField(choices=FlagReason.choices)
    note = Text(max_length=10_000, required=False, allow_null=True)


class FlagSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    item = QueueItemSerializer(source="slot")
    expert = serializers.CharField(source="expert.username", default=None, allow_null=True)
    reason = serializers.ChoiceField(choices=FlagReason.choices)
    note = serializers.CharField()
    status = serializers.ChoiceField(choices=FlagStatus.choices)
    created_at = serializers.DateTimeField()


class FlagsSerializer(serializers.Serializer[Any]):
    flags = FlagSerializer(many=True)


class OutcomeSerializer(StrictSerializer):
    outcome = serializers.ChoiceField(choices=[(str(one), one.label) for one in OUTCOMES])
