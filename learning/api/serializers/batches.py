"""What a batch is answered with."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.executions import NewExecutionSerializer
from learning.api.serializers.feedback import NewFeedbackSerializer
from learning.services.intake import MAX_BATCH


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()


class BatchResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Position of the item in the request, from 0.")
    status = serializers.ChoiceField(choices=[201, 400, 404, 409], help_text="As a single request would be answered.")
    id = serializers.UUIDField(required=False, help_text="Of what was stored.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # a declared field


class BatchAnswerSerializer(serializers.Serializer[Any]):
    results = BatchResultSerializer(many=True, help_text="One for each item, in their order.")


class ExecutionBatchSerializer(serializers.Serializer[Any]):
    """For the schema: the items are validated one by one."""

    items = serializers.ListField(child=NewExecutionSerializer(), min_length=1, max_length=MAX_BATCH)


class FeedbackBatchSerializer(serializers.Serializer[Any]):
    """For the schema: the items are validated one by one."""

    items = serializers.ListField(child=NewFeedbackSerializer(), min_length=1, max_length=MAX_BATCH)
