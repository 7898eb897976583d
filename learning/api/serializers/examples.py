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
from learning.filters import FLAGS, NEAR
from learning.models import ExampleType, ReviewStatus, SourceType
from learning.services.agent_directory import find_agent
from learning.services.bulk_actions import LABELS

# What people and programs may give directly. Corrections of users come in as feedback, preferences have a path of their
# own because they need a rejected output.
GIVEN_SOURCES = [
    SourceType.EXPERT_REVIEW, SourceType.EXECUTION_LOG, SourceType.BENCHMARK, SourceType.IMPORT, SourceType.SYNTHETIC,
]  # fmt: skip


def _source() -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=[(source.value, source.label) for source in GIVEN_SOURCES], default=SourceType.IMPORT.value
    )


class _NewExample(StrictSerializer):
    agent_id = ExternalId()
    execution_id = optional_id(help_text="The execution that it came from.")
    user_id = Text(
        source="user", max_length=200, required=False, allow_null=True,
        help_text="Whose it is, a pseudonym: erasing that user takes it too.",
    )  # fmt: skip
    input_text = Text(allow_blank=False)
    input_context = BoundedObject(max_chars=MAX_CONTEXT)
    domain = Text(max_length=100, required=False, allow_null=True, help_text="Left out: the agent's.")
    task_type = Text(max_length=100, required=False, allow_null=True)
    complexity = optional_integer(1, 5)
    quality_score = optional_number(0, 1)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), max_length=50, required=False)


class NewExampleSerializer(_NewExample):
    example_type = serializers.ChoiceField(choices=ExampleType.choices)
    source_type = _source()
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

    source_type = _source()
    expected_output = Text(allow_blank=False, help_text="The better answer.")
    rejected_output = Text(allow_blank=False, help_text="The other answer.")


class ExampleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    example_type = serializers.ChoiceField(choices=ExampleType.choices)
    source_type = serializers.ChoiceField(choices=SourceType.choices)
    source_execution_id = serializers.UUIDField(allow_null=True)
    source_feedback_id = serializers.UUIDField(allow_null=True)
    user_id = serializers.CharField(source="user", help_text="What it came with; see else its source.")
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
    prepared = serializers.BooleanField(
        source="prepared_version", help_text="Redacted and looked through; nothing uses it before."
    )
    quality_flags = serializers.ListField(child=serializers.CharField())
    redaction_found = serializers.DictField(child=serializers.IntegerField())
    cluster_key = serializers.CharField(help_text="Near-duplicates share it.")
    is_representative = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ExampleFilterSerializer(StrictSerializer):
    """Which examples. All that is given has to hold."""

    agent_id = ExternalId(required=False)
    example_type = serializers.ChoiceField(choices=ExampleType.choices, required=False)
    source_type = serializers.ChoiceField(choices=SourceType.choices, required=False)
    review_status = serializers.ChoiceField(choices=ReviewStatus.choices, required=False)
    find = serializers.CharField(
        max_length=200, required=False, help_text="Words, or beginnings of words, that its texts hold."
    )
    domain = serializers.CharField(max_length=100, required=False)
    task_type = serializers.CharField(max_length=100, required=False)
    tag = serializers.CharField(max_length=50, required=False)
    flag = serializers.ChoiceField(choices=FLAGS, required=False)
    redacted = serializers.CharField(
        max_length=40, required=False, help_text="`any`, `none`, or a kind such as `EMAIL` or one of your own patterns."
    )
    near = serializers.ChoiceField(choices=NEAR, required=False)
    version_id = serializers.UUIDField(required=False, help_text="A dataset version that it stands in.")
    quality_from = optional_number(0, 1)
    quality_to = optional_number(0, 1)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


# Names of the filter where they differ from those of the API.
FILTER_NAMES = {
    "agent_id": "agent", "example_type": "type", "source_type": "source", "review_status": "status",
    "version_id": "version",
}  # fmt: skip


def filter_of(values: dict[str, Any]) -> dict[str, Any]:
    """What `learning.filters.ExampleFilter` wants, from validated values. Raises Missing for an unknown agent."""
    wanted = {FILTER_NAMES.get(name, name): value for name, value in values.items()}
    if "agent" in wanted:
        wanted["agent"] = find_agent(name=wanted["agent"]).pk
    return wanted


class BulkChangeSerializer(StrictSerializer):
    """What to do with each example."""

    name = serializers.ChoiceField(choices=list(LABELS.items()))
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=50, required=False, help_text="Of tag and untag."
    )
    value = serializers.CharField(
        max_length=100, allow_blank=True, required=False, help_text="Of set_domain and set_task_type."
    )


class BulkActionSerializer(StrictSerializer):
    """One action on all examples that the filter leaves, apart from those left out."""

    filter = ExampleFilterSerializer(required=False)
    action = BulkChangeSerializer()

    def get_fields(self) -> Any:
        """`except` is a word of Python's own."""
        named = {
            "except": "Examples that are left out.",
            "only": "Of those that the filter leaves, these alone.",
        }
        return super().get_fields() | {name: _ids(text) for name, text in named.items()}


def _ids(help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.UUIDField(), max_length=1000, required=False, help_text=help_text)
