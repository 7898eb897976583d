"""Items of the queue, reviews and drafts as they are sent and shown."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from annotation.models import AnnotationType, Decision, Preferred, SlotKind, SlotStatus
from annotation.services.items import marks, output_to_judge
from annotation.services.opinions import MOST_SECONDS, STRONGEST
from annotation.services.preferences import EQUAL, LEFT, RIGHT, is_comparison
from learning.api.serializers.fields import (
    BoundedObject,
    ExternalId,
    Number,
    StrictSerializer,
    Text,
    optional_integer,
    optional_number,
    optional_text,
)
from learning.models import ExampleType, FeedbackType, ReviewStatus

WAITING = [("pending", "Open or claimed"), *SlotStatus.choices]
MOST_NAMES = 50  # categories, suggestions, issues


class ExpertSerializer(StrictSerializer):
    expert = serializers.CharField(
        max_length=150, required=False, allow_null=True, help_text="With an API key: the user name of the expert."
    )


class QueueFilterSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=WAITING, default="pending")
    domain = serializers.CharField(max_length=100, required=False)
    agent = ExternalId(required=False)
    queue = serializers.UUIDField(required=False)
    example_type = serializers.ChoiceField(choices=ExampleType.choices, required=False)
    after = serializers.UUIDField(required=False, help_text="`next` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=200, required=False)

    def validate(self, attrs: Any) -> Any:
        return {"limit": min(settings.ANNOTATION_QUEUE_SIZE, 200)} | attrs


class QueueItemSerializer(serializers.Serializer[Any]):
    slot = serializers.UUIDField(source="id")
    status = serializers.ChoiceField(choices=SlotStatus.choices)
    stage = serializers.CharField()
    queue_id = serializers.UUIDField()
    claimed_by = serializers.CharField(source="claimed_by.username", default=None, allow_null=True)
    lease_until = serializers.DateTimeField(allow_null=True)
    waiting_since = serializers.DateTimeField()
    example_id = serializers.UUIDField()
    agent_id = serializers.CharField(source="example.agent.external_id")
    example_type = serializers.ChoiceField(choices=ExampleType.choices, source="example.example_type")
    review_status = serializers.ChoiceField(choices=ReviewStatus.choices, source="example.review_status")
    domain = serializers.CharField(source="example.domain")
    input_text = serializers.CharField(source="example.input_text")
    original_output = serializers.CharField(source="example.original_output")
    expected_output = serializers.CharField(source="example.expected_output")

    def to_representation(self, slot: Any) -> Any:
        """A gold item looks like any other, and nobody is told which output of a comparison is the expected one."""
        shown = super().to_representation(slot)
        if slot.kind == SlotKind.GOLD:
            judged = output_to_judge(slot)
            proposed = "" if judged == slot.example.original_output else judged
            shown |= {"review_status": ReviewStatus.PENDING, "expected_output": proposed}
        if is_comparison(slot.example):
            shown |= {"original_output": "", "expected_output": ""}
        return shown


class QueueSerializer(serializers.Serializer[Any]):
    queue = QueueItemSerializer(many=True)
    total = serializers.IntegerField(help_text="Counted up to 1,000; `more` says that there are more.")
    more = serializers.BooleanField()
    next = serializers.UUIDField(allow_null=True)


class ItemFeedbackSerializer(serializers.Serializer[Any]):
    feedback_type = serializers.ChoiceField(choices=FeedbackType.choices)
    marks = serializers.SerializerMethodField()
    feedback_text = serializers.CharField()
    correction_text = serializers.CharField()
    issue_categories = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()

    def get_marks(self, feedback: Any) -> dict[str, int]:
        return dict(marks(feedback))


class TurnSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField()


class OutputPairSerializer(serializers.Serializer[Any]):
    """Two outputs to compare, in an order drawn for this person and item."""

    left = serializers.CharField()
    right = serializers.CharField()


class AskedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    questions = serializers.ListField(child=serializers.DictField(child=serializers.JSONField()))


class OthersOpinionSerializer(serializers.Serializer[Any]):
    expert = serializers.CharField(source="expert.username", default=None, allow_null=True)
    stage = serializers.CharField()
    decision = serializers.ChoiceField(choices=Decision.choices)
    corrected_output = serializers.CharField()
    notes = serializers.CharField()
    answers = serializers.DictField(child=serializers.JSONField())
    created_at = serializers.DateTimeField()


class ClaimedItemSerializer(serializers.Serializer[Any]):
    """A claimed item, with all that a reviewer needs."""

    item = QueueItemSerializer(source="slot")
    lease_token = serializers.UUIDField(source="slot.lease_token")
    proposed_output = serializers.CharField()
    conversation = TurnSerializer(many=True)
    facts = serializers.DictField(child=serializers.CharField())
    feedback = ItemFeedbackSerializer(many=True)
    draft = serializers.DictField(child=serializers.JSONField())
    rubric = AskedSerializer(allow_null=True, help_text="Questions to be answered in `answers`.")
    pair = OutputPairSerializer(allow_null=True, help_text="For comparisons: say in `better` which one is.")
    opinions = OthersOpinionSerializer(many=True, help_text="What others said, where it may be seen.")


class ClaimSerializer(ExpertSerializer):
    queue = serializers.UUIDField(required=False, allow_null=True, help_text="Left out: the oldest active queue.")


class LeaseSerializer(ExpertSerializer):
    lease_token = serializers.UUIDField()


class SkipSerializer(LeaseSerializer):
    reason = Text(max_length=2000, required=False, allow_null=True, help_text="Where the queue asks for one.")


class HeldSerializer(serializers.Serializer[Any]):
    lease_until = serializers.DateTimeField()


class CategorySerializer(StrictSerializer):
    score = Number(min_value=0, max_value=10)
    issues = serializers.ListField(child=Text(max_length=2000), max_length=MOST_NAMES, required=False)


class NewAnnotationSerializer(ExpertSerializer):
    """A review: of a claimed slot with its token, or, by managers and applications, of an example without a claim."""

    slot = serializers.UUIDField(required=False, allow_null=True)
    lease_token = serializers.UUIDField(required=False, allow_null=True)
    example_id = serializers.UUIDField(required=False, allow_null=True)
    stage = serializers.CharField(max_length=50, required=False, allow_null=True, help_text="With example_id only.")
    decision = serializers.ChoiceField(choices=Decision.choices)
    annotation_type = serializers.ChoiceField(choices=AnnotationType.choices, required=False, allow_null=True)
    technical_accuracy = optional_number(0, 1)
    professional_quality = optional_number(0, 1)
    completeness = optional_number(0, 1)
    clarity = optional_number(0, 1)
    categories = serializers.DictField(child=CategorySerializer(), required=False, allow_null=True)
    corrected_output = optional_text()
    notes = optional_text()
    improvement_suggestions = serializers.ListField(
        child=Text(max_length=2000), max_length=MOST_NAMES, required=False, allow_null=True
    )
    answers = BoundedObject(max_chars=50_000, help_text="To the rubric's questions, by key.")
    better = serializers.ChoiceField(
        choices=[LEFT, EQUAL, RIGHT], required=False, allow_null=True, help_text="Of the two outputs of a comparison."
    )
    strength = optional_integer(1, STRONGEST)
    confidence = optional_number(0, 1)
    is_training_data = serializers.BooleanField(required=False, allow_null=True)
    seconds_spent = optional_integer(0, MOST_SECONDS)

    def validate_categories(self, value: Any) -> Any:
        if value and (len(value) > MOST_NAMES or any(len(name) > 100 for name in value)):
            raise serializers.ValidationError(f"At most {MOST_NAMES} categories, with names up to 100 characters.")
        return value

    def validate(self, attrs: Any) -> Any:
        if attrs.get("example_id") and attrs.get("slot"):
            raise serializers.ValidationError({"example_id": ["Send slot and lease_token, or example_id; not both."]})
        if not attrs.get("example_id"):
            missing = [name for name in ("slot", "lease_token") if not attrs.get(name)]
            if missing:
                raise serializers.ValidationError(
                    {name: ["Claim the item first, and send what the claim gave."] for name in missing}
                )
            if attrs.get("stage"):
                raise serializers.ValidationError({"stage": ["The slot has a stage of its own."]})
        return attrs


class AnnotationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    example_id = serializers.UUIDField()
    example_status = serializers.ChoiceField(choices=ReviewStatus.choices, source="example.review_status")
    slot = serializers.UUIDField(source="slot_id", allow_null=True)
    expert = serializers.CharField(source="expert.username", default=None, allow_null=True)
    stage = serializers.CharField()
    annotation_type = serializers.ChoiceField(choices=AnnotationType.choices)
    decision = serializers.ChoiceField(choices=Decision.choices)
    technical_accuracy = serializers.FloatField(allow_null=True)
    professional_quality = serializers.FloatField(allow_null=True)
    completeness = serializers.FloatField(allow_null=True)
    clarity = serializers.FloatField(allow_null=True)
    categories = serializers.DictField(child=serializers.JSONField())
    answers = serializers.DictField(child=serializers.JSONField())
    rubric = serializers.UUIDField(source="rubric_id", allow_null=True)
    preferred = serializers.ChoiceField(choices=[("", "Nothing to prefer"), *Preferred.choices])
    strength = serializers.IntegerField(allow_null=True)
    corrected_output = serializers.CharField()
    notes = serializers.CharField()
    improvement_suggestions = serializers.ListField(child=serializers.CharField())
    confidence = serializers.FloatField(allow_null=True)
    is_training_data = serializers.BooleanField()
    seconds_spent = serializers.IntegerField(allow_null=True)
    extra = serializers.BooleanField(help_text="Kept, but without a vote: it came after its claim was lost.")
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    superseded_by = serializers.UUIDField(source="superseded_by_id", allow_null=True)
    created_at = serializers.DateTimeField()


class GoldResultSerializer(serializers.Serializer[Any]):
    """The item had a known answer."""

    right = serializers.BooleanField()
    right_decision = serializers.ChoiceField(choices=Decision.choices)
    explanation = serializers.CharField()
    paused_because = serializers.CharField(help_text="Not empty when this answer paused the expert's work.")


class HandedInSerializer(AnnotationSerializer):
    gold = GoldResultSerializer(allow_null=True)


class AnnotationFilterSerializer(serializers.Serializer[Any]):
    example = serializers.UUIDField(required=False)
    expert = serializers.CharField(max_length=150, required=False)
    decision = serializers.ChoiceField(choices=Decision.choices, required=False)
    current = serializers.BooleanField(default=True, help_text="false: with superseded and withdrawn versions.")


class DraftSerializer(StrictSerializer):
    content = BoundedObject(max_chars=400_000)


class KeptDraftSerializer(serializers.Serializer[Any]):
    content = serializers.DictField(child=serializers.JSONField())
    saved_at = serializers.DateTimeField(source="updated_at")
