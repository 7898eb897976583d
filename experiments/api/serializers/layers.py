"""What requests about layers and testers look like, and what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from experiments.services.layers import free_share
from learning.api.serializers.fields import ExternalId, Number, StrictSerializer, Text

Fields = serializers.Serializer[Any]


class LayerChangeSerializer(StrictSerializer):
    name = Text(max_length=200, allow_blank=False, required=False)
    holdout_percentage = Number(
        source="holdout", min_value=0, max_value=99.99, required=False,
        help_text="Units that no experiment of the layer takes, in steps of 0.01.",
    )  # fmt: skip


class NewLayerSerializer(LayerChangeSerializer):
    name = Text(max_length=200, allow_blank=False)


class LayerSerializer(Fields):
    id = serializers.UUIDField()
    name = serializers.CharField()
    holdout_percentage = serializers.FloatField(source="holdout_share")
    free_percentage = serializers.SerializerMethodField(
        help_text="What neither the holdout nor a live experiment takes."
    )
    created_at = serializers.DateTimeField()

    def get_free_percentage(self, layer: Any) -> float:
        return free_share(layer)


class NewTesterSerializer(StrictSerializer):
    unit_id = ExternalId(help_text="The user, session or execution, whichever the experiment assigns.")
    variant = serializers.CharField(max_length=50)
    note = Text(max_length=200, required=False)


class TesterReleaseSerializer(StrictSerializer):
    unit_id = ExternalId()


class TesterSerializer(Fields):
    unit_id = serializers.CharField(source="unit")
    variant = serializers.CharField(source="variant.key")
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class TestersSerializer(Fields):
    testers = TesterSerializer(many=True)
