"""Feedback as it is sent."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import (
    StrictSerializer,
    Text,
    optional_id,
    optional_integer,
    optional_text,
)
from learning.models import ISSUE_CATEGORIES, FeedbackType

MAX_CATEGORIES = 20


class NewFeedbackSerializer(StrictSerializer):
    """`id` is another name of `idempotency_key`."""

    agent_id = optional_id(help_text="May be left out when execution_id is known already.")
    execution_id = optional_id(help_text="The run that this is about. It may be logged later: then name the agent too.")
    user_id = Text(max_length=200, required=False, allow_null=True, help_text="A pseudonym, never a name or an e-mail.")
    feedback_type = serializers.ChoiceField(choices=FeedbackType.choices)
    rating = optional_integer(1, 5)
    accuracy = optional_integer(1, 5)
    helpfulness = optional_integer(1, 5)
    clarity = optional_integer(1, 5)
    completeness = optional_integer(1, 5)
    feedback_text = optional_text()
    correction_text = optional_text(help_text="The whole answer as it should have been.")
    issue_categories = serializers.ListField(
        child=serializers.CharField(max_length=50),
        max_length=MAX_CATEGORIES,
        required=False,
        allow_null=True,
        help_text=f"Of {', '.join(ISSUE_CATEGORIES)}, and those that your organization added.",
    )
    consent = serializers.BooleanField(
        required=False, allow_null=True, help_text="false: counted, and never learned from. Left out: true."
    )
    idempotency_key = optional_id(help_text="The same key with the same content is stored once.")
    id = optional_id(help_text="Another name of idempotency_key.")

    def validate(self, attrs: Any) -> Any:
        key, other = attrs.get("idempotency_key"), attrs.pop("id", None)
        if key and other and key != other:
            raise serializers.ValidationError({"id": ["This is another name of idempotency_key; the two differ."]})
        if other:
            attrs["idempotency_key"] = other
        if "issue_categories" in attrs:
            attrs["issue_categories"] = list(dict.fromkeys(attrs["issue_categories"]))
        return attrs


class StoredFeedbackSerializer(serializers.Serializer[Any]):
    feedback_id = serializers.UUIDField()
    success = serializers.BooleanField()
