"""One execution with everything that is known of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.executions import ExecutionSerializer
from learning.models import ExampleType, FeedbackType, ReviewStatus
from learning.services.execution_story import ExecutionStory


class DecisionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    decision_point = serializers.CharField()
    input = serializers.JSONField()
    output = serializers.JSONField()
    reasoning = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    alternatives = serializers.ListField(child=serializers.JSONField(allow_null=True))


class RetrievalSerializer(serializers.Serializer[Any]):
    query = serializers.CharField()
    documents = serializers.JSONField(help_text='[{"id": text, "rank": from 1, "score": number or null}, ...]')


class FeedbackSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.CharField(source="user")
    feedback_type = serializers.ChoiceField(choices=FeedbackType.choices)
    rating = serializers.IntegerField(allow_null=True)
    accuracy = serializers.IntegerField(allow_null=True)
    helpfulness = serializers.IntegerField(allow_null=True)
    clarity = serializers.IntegerField(allow_null=True)
    completeness = serializers.IntegerField(allow_null=True)
    feedback_text = serializers.CharField()
    correction_text = serializers.CharField()
    issue_categories = serializers.ListField(child=serializers.CharField())
    consent = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ExampleOfExecutionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    example_type = serializers.ChoiceField(choices=ExampleType.choices)
    review_status = serializers.ChoiceField(choices=ReviewStatus.choices)


class ExecutionDetailSerializer(ExecutionSerializer):
    decisions = DecisionSerializer(many=True, help_text="In their order.")
    retrievals = RetrievalSerializer(many=True, help_text="What was looked up.")
    feedback = FeedbackSerializer(many=True, help_text="What people said, the newest first, up to 100.")
    examples = ExampleOfExecutionSerializer(many=True, help_text="Learning examples made from it; up to 50.")


def document_of(story: ExecutionStory) -> dict[str, Any]:
    """What GET executions/{id} answers."""
    inside = {
        "decisions": DecisionSerializer(story.decisions, many=True).data,
        "retrievals": RetrievalSerializer(story.retrievals, many=True).data,
        "feedback": FeedbackSerializer(story.feedback, many=True).data,
        "examples": ExampleOfExecutionSerializer(story.examples, many=True).data,
    }
    return {**ExecutionSerializer(story.execution).data, **inside}
