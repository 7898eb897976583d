"""Datasets, their recipes and their versions as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.examples import NewExampleSerializer
from learning.api.serializers.fields import ExternalId, Number, StrictSerializer, Text
from learning.models import BalanceBy, CompiledKind, Duplicates, ExampleType, GroupBy, SourceType, Split
from learning.services.recipes import MOST_NAMES

OPEN_SPLITS = [Split.TRAIN, Split.VALIDATION]
LARGEST_NUMBER = 2_147_483_647


def _names(length: int, **kwargs: Any) -> serializers.ListField:
    child = serializers.CharField(max_length=length)
    return serializers.ListField(child=child, max_length=MOST_NAMES, required=False, **kwargs)


def _chosen(choices: Any, **kwargs: Any) -> serializers.ListField:
    child = serializers.ChoiceField(choices=choices.choices)
    return serializers.ListField(child=child, max_length=MOST_NAMES, required=False, **kwargs)


def _share(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=9998, required=False, **kwargs)


class ChangedDatasetSerializer(StrictSerializer):
    """What may be changed about a dataset; versions that were published stay what they are."""

    name = Text(max_length=200, allow_blank=False, required=False)
    agent_id = ExternalId(required=False, allow_null=True, help_text="Its approved examples; null: all agents'.")
    description = Text(max_length=5000, required=False)
    domains = _names(100, help_text="Empty: all.")
    task_types = _names(100, help_text="Empty: all.")
    example_types = _chosen(ExampleType, help_text="Empty: correction, demonstration, positive, edge_case.")
    source_types = _chosen(SourceType, help_text="Empty: all.")
    tags = _names(50, help_text="Examples with any of these; empty: all.")
    least_quality = Number(min_value=0, max_value=1, required=False, allow_null=True)
    train_share = _share(help_text="Parts of 10,000.")
    validation_share = _share(help_text="Parts of 10,000; what is neither train nor validation is test.")
    group_by = serializers.ChoiceField(
        choices=GroupBy.choices, required=False, help_text="What is never in two splits. Near-duplicates never are."
    )
    duplicates = serializers.ChoiceField(choices=Duplicates.choices, required=False)
    weigh_by_reviewers = serializers.BooleanField(required=False)
    half_life_days = serializers.IntegerField(min_value=1, max_value=36_500, required=False, allow_null=True)
    balance_by = serializers.ChoiceField(choices=BalanceBy.choices, required=False, allow_blank=True)

    def to_internal_value(self, data: Any) -> Any:
        """Here null is a wish: no agent, no least quality, no half-life."""
        values = super().to_internal_value(data)
        cleared = {name: None for name in ("agent_id", "least_quality", "half_life_days") if data.get(name, 0) is None}
        return cleared | values


class NewDatasetSerializer(ChangedDatasetSerializer):
    name = Text(max_length=200, allow_blank=False)


class DatasetFilterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, help_text="Exactly; no two have the same.")


class DatasetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    agent_id = serializers.CharField(source="agent.external_id", default=None, allow_null=True)
    domains = serializers.ListField(child=serializers.CharField())
    task_types = serializers.ListField(child=serializers.CharField())
    example_types = serializers.ListField(child=serializers.CharField())
    source_types = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    least_quality = serializers.FloatField(allow_null=True)
    train_share = serializers.IntegerField()
    validation_share = serializers.IntegerField()
    group_by = serializers.ChoiceField(choices=GroupBy.choices)
    duplicates = serializers.ChoiceField(choices=Duplicates.choices)
    weigh_by_reviewers = serializers.BooleanField()
    half_life_days = serializers.IntegerField(allow_null=True)
    balance_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class NewDatasetExampleSerializer(NewExampleSerializer):
    """An example for the dataset's own agent; `agent_id` is only needed where the dataset spans all agents."""

    agent_id = ExternalId(required=False, allow_null=True)


class PreviewSerializer(serializers.Serializer[Any]):
    eligible = serializers.IntegerField(help_text="Approved examples that the filters select.")
    unprepared = serializers.IntegerField(help_text="Of these, what is not redacted and compared yet.")
    is_complete = serializers.BooleanField(help_text="false: there is too much to choose from for a preview.")
    total = serializers.IntegerField()
    splits = serializers.DictField(child=serializers.IntegerField())
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="Numbers by reason.")
    groups = serializers.IntegerField(help_text="Each goes into one split as a whole.")
    largest_group = serializers.IntegerField()
    groups_too_large = serializers.BooleanField(help_text="One group holds more than 30 % of the items.")
    is_known = serializers.BooleanField(help_text="A version with exactly this content exists.")


class DatasetVersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    manifest_hash = serializers.CharField(help_text="SHA-256 over the sorted items: the same content, the same hash.")
    total = serializers.IntegerField()
    train_count = serializers.IntegerField()
    validation_count = serializers.IntegerField()
    test_count = serializers.IntegerField(
        help_text="Sealed: read by the confirmation of a training run, and by exports that name it."
    )
    average_quality = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField(allow_null=True, help_text="When a person in it was forgotten.")


class DatasetCardSerializer(DatasetVersionSerializer):
    test_readings = serializers.IntegerField(help_text="How often the sealed test split was opened.")
    recipe = serializers.DictField(child=serializers.JSONField(allow_null=True))
    card = serializers.DictField(child=serializers.JSONField(allow_null=True), help_text="The data card.")


class DiffFilterSerializer(serializers.Serializer[Any]):
    # "from" cannot be the name of an attribute.
    vars()["from"] = serializers.IntegerField(min_value=1, max_value=LARGEST_NUMBER)
    to = serializers.IntegerField(min_value=1, max_value=LARGEST_NUMBER)
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"], required=False)
    after = serializers.UUIDField(required=False, help_text="`next` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=200, required=False)


class DiffSideSerializer(serializers.Serializer[Any]):
    split = serializers.ChoiceField(choices=[(one.value, one.label) for one in OPEN_SPLITS])
    input_text = serializers.CharField()
    expected_output = serializers.CharField()
    weight = serializers.FloatField()


class DifferenceSerializer(serializers.Serializer[Any]):
    example_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    old = DiffSideSerializer(allow_null=True)
    new = DiffSideSerializer(allow_null=True)


class DiffSerializer(serializers.Serializer[Any]):
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="By kind and split, test included."
    )
    recipe = serializers.DictField(
        child=serializers.ListField(child=serializers.JSONField(allow_null=True)), help_text="[before, now] by name."
    )
    results = DifferenceSerializer(many=True)
    next = serializers.UUIDField(allow_null=True)


class CompiledFilterSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=CompiledKind.choices)
    version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_NUMBER, required=False, help_text="Left out: newest."
    )
    after = serializers.UUIDField(required=False, help_text="`next` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=200, required=False)


class CompiledSerializer(serializers.Serializer[Any]):
    example_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=CompiledKind.choices)
    approval = serializers.UUIDField(allow_null=True, help_text="The annotation that approved it, where there is one.")
    content = serializers.DictField(child=serializers.JSONField(allow_null=True))


class CompiledPageSerializer(serializers.Serializer[Any]):
    results = CompiledSerializer(many=True)
    next = serializers.UUIDField(allow_null=True)


class WeightSerializer(StrictSerializer):
    weight = Number(min_value=0, max_value=100, allow_null=True, help_text="null: as the recipe computes it.")

    def to_internal_value(self, data: Any) -> Any:
        return {"weight": None} | super().to_internal_value(data)


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
