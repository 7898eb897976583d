"""Agent configs as they are given and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import StrictSerializer, Text
from learning.engines.types import MOST_NEAREST


class ShownExampleSerializer(StrictSerializer):
    input = Text(allow_blank=False)
    output = Text(allow_blank=False)


class ConfigContentSerializer(StrictSerializer):
    """Everything that decides how the agent answers."""

    system_prompt = Text(required=False, help_text="May be left out: then there is no system turn.")
    examples = ShownExampleSerializer(many=True, required=False)  # type: ignore[assignment]  # a declared field
    model = Text(max_length=200, required=False)
    parameters = serializers.DictField(required=False, help_text="Sampling: temperature, max_tokens, seed, stop ...")
    input_template = Text(max_length=10_000, required=False, help_text="Holds {input} once; left out: the input alone.")
    nearest_examples = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_NEAREST,
        help_text="How many of the examples are shown with a question, those most like it; left out or 0: all of them.",
    )


class NewConfigSerializer(StrictSerializer):
    content = ConfigContentSerializer()


class ConfigSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.CharField()
    content = serializers.JSONField()
    content_hash = serializers.CharField()
    parent_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    gate_report_id = serializers.SerializerMethodField()

    def get_gate_report_id(self, config: Any) -> str | None:
        """The newest gate report, None before the gate."""
        report = config.gate_reports.order_by("-id").values_list("pk", flat=True).first()
        return str(report) if report else None
