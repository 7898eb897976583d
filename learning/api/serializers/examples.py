"""Learning examples as they are given and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import (
    MAX_CONTEXT,
    BoundedObject,
    ExternalId,
    StrictSerializer,
    Text,
    optional_id,
    optional_integer,
    optional_number,
    optional_text,
)
from learning.models import ExampleType, ReviewStatus, SourceType

# What people and programs may give directly. Corrections of users come in as feedback, preferences have a path of their
# own because they need a rejected output.
GIVEN_SOURCES = [
    SourceType.EXPERT_REVIEW, SourceType.EXECUTION_LOG, SourceType.BENCHMARK, SourceType.IMPORT, SourceType.SYNTHETIC,
]  # fmt: skip


class _NewExample(StrictSerializer):
    agent_id = ExternalId()
    execution_id = optional_id(help_text="The execution that it came from.")
    input_text = Text(allow_blank=False)
    input_context = BoundedObject(max_chars=MAX_CONTEXT)
    domain = Text(max_length=100, required=False, allow_null=True, help_text="Left out: the agent's.")
    task_type = Text(max_length=100, required=False, allow_null=True)
    complexity = optional_integer(1, 5)
    quality_score = optional_number(0, 1)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), max_length=50, required=False)


class NewExampleSerializer(_NewExample):
    example_type = serializers.ChoiceField(choices=ExampleType.choices)
    source_type = serializers.ChoiceField(
        choices=[(source.value, source.label) for source in GIVEN_SOURCES], default=SourceType.IMPORT.value
    )
    original_output = optional_text()
    expected_output = optional_text()
    rejected_output = optional_text()

    def validate(self, attrs: Any) -> Any:
        kind = attrs["example_type"]
        needed = {
            ExampleType.CORRECTION: ["expected_output"],
            ExampleType.DEMONSTRATION: ["expected_output"],
            ExampleType.PREFERENCE: ["expected_output", "rejected_output"],
        }.get(kind, [])
        missing = {name: [f"A {kind} needs it."] for name in needed if not attrs.get(name, "").strip()}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class NewDemonstrationSerializer(_NewExample):
    """Somebody shows how it is done."""

    expected_output = Text(allow_blank=False, help_text="What was done or answered.")


class NewPreferenceSerializer(_NewExample):
    """Of two answers to the same input, the better one and the other."""

    expected_output = Text(allow_blank=False, help_text="The better answer.")
    rejected_output = Text(allow_blank=False, help_text="The other answer.")


class ExampleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    example_type = serializers.ChoiceField(choices=ExampleType.choices)
    source_type = serializers.ChoiceField(choices=SourceType.choices)
    source_execution_id = serializers.UUIDField(allow_null=True)
    source_feedback_id = serializers.UUIDField(allow_null=True)
    input_text = serializers.CharField()
    input_context = serializers.DictField(child=serializers.JSONField())
    original_output = serializers.CharField()
    expected_output = serializers.CharField()
    rejected_output = serializers.CharField()
    domain = serializers.CharField()
    task_type = serializers.CharField()
    complexity = serializers.IntegerField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    quality_score = serializers.FloatField(allow_null=True)
    predicted_quality = serializers.FloatField(allow_null=True)
    review_status = serializers.ChoiceField(choices=ReviewStatus.choices)
    created_at = serializers.DateTimeField()


class ExampleFilterSerializer(serializers.Serializer[Any]):
    agent_id = ExternalId(required=False)
    example_type = serializers.ChoiceField(choices=ExampleType.choices, required=False)
    source_type = serializers.ChoiceField(choices=SourceType.choices, required=False)
    review_status = serializers.ChoiceField(choices=ReviewStatus.choices, required=False)
