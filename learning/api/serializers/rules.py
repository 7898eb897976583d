"""Rules as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import BoundedObject, ExternalId, StrictSerializer, Text
from learning.models import RuleResult, RuleSource
from learning.services.rule_preview import MOST_DAYS

CONDITIONS_HELP = (
    "All must hold: opinion (positive, negative), feedback_types, rating_min, rating_max, issue_categories (any of), "
    "has_comment, disagreement, status, confidence_below, duration_above_ms, slow (above the 95th percentile of its "
    "agent), sample (share taken, 0-1)."
)
MAX_CONDITIONS = 10_000  # characters of JSON


class RuleValuesSerializer(StrictSerializer):
    """What can be changed about a rule."""

    name = Text(max_length=100, required=False, allow_blank=False)
    source: Any = serializers.ChoiceField(choices=RuleSource.choices, required=False)
    example_type = serializers.ChoiceField(choices=RuleResult.choices, required=False)
    conditions = BoundedObject(max_chars=MAX_CONDITIONS, help_text=CONDITIONS_HELP)
    agent_id = ExternalId(required=False, allow_null=True, help_text="Whose; left out or null: every agent's.")
    position = serializers.IntegerField(
        min_value=1, max_value=1000, required=False, help_text="The lowest that fits decides."
    )
    active = serializers.BooleanField(required=False, help_text="Off until you switch it on.")


class NewRuleSerializer(RuleValuesSerializer):
    name = Text(max_length=100, allow_blank=False)
    source: Any = serializers.ChoiceField(choices=RuleSource.choices)
    example_type = serializers.ChoiceField(choices=RuleResult.choices)


class RuleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    source: Any = serializers.ChoiceField(choices=RuleSource.choices)
    example_type = serializers.ChoiceField(choices=RuleResult.choices)
    conditions = serializers.DictField(child=serializers.JSONField())
    agent_id = serializers.CharField(source="agent.external_id", default=None, allow_null=True)
    position = serializers.IntegerField()
    active = serializers.BooleanField()
    active_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class AddedRulesSerializer(serializers.Serializer[Any]):
    rules = RuleSerializer(many=True)


class DaysSerializer(StrictSerializer):
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=30)


class SampleSerializer(serializers.Serializer[Any]):
    input_text = serializers.CharField(help_text="As it came in, cut to 300 characters.")
    output = serializers.CharField()
    agent = serializers.CharField()
    feedback_type = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True)
    comment = serializers.CharField()
    is_known = serializers.BooleanField(help_text="It is an example already.")


class RulePreviewSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    looked_at = serializers.IntegerField(help_text="Pieces of feedback, or executions: the newest.")
    is_whole = serializers.BooleanField(help_text="Whether those were all of the days.")
    example_type = serializers.ChoiceField(choices=RuleResult.choices)
    made = serializers.IntegerField(help_text="Examples that the rule would have made.")
    taken_before = serializers.IntegerField(help_text="What fits it too, and an earlier rule takes.")
    samples = SampleSerializer(many=True)
