"""Executions as they are sent and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import (
    EARLIEST,
    LATEST,
    MAX_CONTEXT,
    MAX_INTEGER,
    MAX_METADATA,
    BoundedJSON,
    BoundedObject,
    ExternalId,
    Money,
    PastTime,
    StrictSerializer,
    Text,
    optional_id,
    optional_integer,
    optional_number,
    optional_text,
)
from learning.models import ExecutionStatus, FeedbackType
from learning.services.execution_search import ANY

MAX_DECISIONS = 200
MAX_DECISIONS_IN_BATCH = 10_000  # a few seconds of work


class NewDecisionSerializer(StrictSerializer):
    decision_point = Text(max_length=200, allow_blank=False)
    input = BoundedJSON(max_chars=MAX_METADATA)
    output = BoundedJSON(max_chars=MAX_METADATA)
    reasoning = optional_text()
    confidence = optional_number(0, 1)
    alternatives = serializers.ListField(
        child=serializers.JSONField(allow_null=True),
        max_length=100,
        required=False,
        help_text="What else was considered.",
    )


class NewExecutionSerializer(StrictSerializer):
    agent_id = ExternalId(help_text="Your name for the agent, or our id. A new name registers the agent.")
    execution_id = optional_id(help_text="Your name for this run, so that feedback can refer to it. Left out: our id.")
    user_id = Text(max_length=200, required=False, allow_null=True, help_text="A pseudonym, never a name or an e-mail.")
    input = optional_text()
    context = BoundedObject(  # type: ignore[assignment]  # a declared field replaces the attribute
        max_chars=MAX_CONTEXT, help_text='For instance {"conversation": [{"role": "user", "content": "..."}]}.'
    )
    output = optional_text()
    status = serializers.ChoiceField(choices=ExecutionStatus.choices, required=False)
    duration_ms = optional_number(0, 1e12)
    input_tokens = optional_integer(0, MAX_INTEGER)
    output_tokens = optional_integer(0, MAX_INTEGER)
    cost = Money(required=False, allow_null=True, help_text="In one currency of your choice, the same everywhere.")
    confidence = optional_number(0, 1)
    metadata = BoundedObject(max_chars=MAX_METADATA)
    config_id = serializers.UUIDField(required=False, allow_null=True, help_text="The agent config that answered.")
    variant = Text(max_length=100, required=False, allow_null=True, help_text="The variant of a running experiment.")
    started_at = PastTime(required=False, allow_null=True, help_text="Left out: now.")
    decisions = serializers.ListField(child=NewDecisionSerializer(), required=False, max_length=MAX_DECISIONS)


class StoredExecutionSerializer(serializers.Serializer[Any]):
    execution_id = serializers.CharField(help_text="Your own name for the run, or our id when you gave none.")
    id = serializers.UUIDField()
    success = serializers.BooleanField()


class ExecutionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    execution_id = serializers.CharField(source="external_id")
    agent_id = serializers.CharField(source="agent.external_id")
    user_id = serializers.CharField(source="user")
    input = serializers.CharField()
    context = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]
    output = serializers.CharField()
    status = serializers.ChoiceField(choices=ExecutionStatus.choices)
    duration_ms = serializers.FloatField(allow_null=True)
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    cost = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    metadata = serializers.DictField(child=serializers.JSONField())
    config_id = serializers.UUIDField(allow_null=True)
    variant = serializers.CharField()
    started_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class ExecutionFilterSerializer(serializers.Serializer[Any]):
    agent_id = ExternalId(required=False)
    execution_id = ExternalId(required=False, help_text="For names with a slash, which an address cannot hold.")
    user_id = Text(max_length=200, required=False)
    status = serializers.ChoiceField(choices=ExecutionStatus.choices, required=False)
    config_id = serializers.UUIDField(required=False, help_text="The agent config that answered.")
    feedback = serializers.ChoiceField(
        choices=[(ANY, "Any"), *FeedbackType.choices],
        required=False,
        help_text="Those on which people gave feedback of this type, or any at all.",
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name that a class could have."""
        ends = {
            "from": serializers.DateTimeField(required=False, help_text="The first moment of arrival."),
            "to": serializers.DateTimeField(required=False, help_text="The end, itself not included."),
        }
        return super().get_fields() | ends

    def validate(self, attrs: Any) -> Any:
        for name in ("from", "to"):
            if name in attrs and not EARLIEST <= attrs[name] <= LATEST:
                raise serializers.ValidationError({name: ["This lies before the year 2000 or after 2099."]})
        return attrs
