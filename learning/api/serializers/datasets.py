"""Datasets and their versions as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.examples import NewExampleSerializer
from learning.api.serializers.fields import ExternalId, StrictSerializer, Text
from learning.models import Split

OPEN_SPLITS = [Split.TRAIN, Split.VALIDATION]


class NewDatasetSerializer(StrictSerializer):
    name = Text(max_length=200, allow_blank=False)
    agent_id = ExternalId(required=False, allow_null=True, help_text="Its approved examples; left out: all agents'.")
    description = Text(max_length=5000, required=False)
    domains = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, required=False)
    task_types = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, required=False)


class DatasetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    agent_id = serializers.CharField(source="agent.external_id", default=None, allow_null=True)
    domains = serializers.ListField(child=serializers.CharField())
    task_types = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class NewDatasetExampleSerializer(NewExampleSerializer):
    """An example for the dataset's own agent; `agent_id` is only needed where the dataset spans all agents."""

    agent_id = ExternalId(required=False, allow_null=True)


class DatasetVersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    manifest_hash = serializers.CharField(help_text="SHA-256 over the sorted items: the same content, the same hash.")
    total = serializers.IntegerField()
    train_count = serializers.IntegerField()
    validation_count = serializers.IntegerField()
    test_count = serializers.IntegerField(help_text="Sealed: read by the confirmation of a training run alone.")
    average_quality = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()


class ExportFilterSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=2_147_483_647, required=False, help_text="Left out: newest."
    )
    split = serializers.ChoiceField(choices=[(one.value, one.label) for one in OPEN_SPLITS], required=False)


class MessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=["user", "assistant"])
    content = serializers.CharField()


class ExportedItemSerializer(serializers.Serializer[Any]):
    """A line as fine-tuning interfaces take it, with what it came from."""

    example_id = serializers.UUIDField()
    split = serializers.ChoiceField(choices=[(one.value, one.label) for one in OPEN_SPLITS])
    weight = serializers.FloatField()
    messages = MessageSerializer(many=True, source="*")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        turns = [("user", instance.input_text), ("assistant", instance.expected_output)]
        return {
            "example_id": str(instance.example_id),
            "split": instance.split,
            "weight": instance.weight,
            "messages": [{"role": role, "content": content} for role, content in turns],
        }
