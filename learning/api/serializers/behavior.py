"""Demonstrations step by step, and corrections of actions, as they are given and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from learning.api.serializers.examples import NewDemonstrationSerializer
from learning.api.serializers.fields import (
    MAX_CONTEXT,
    BoundedObject,
    ExternalId,
    StrictSerializer,
    Text,
    optional_id,
    optional_number,
    optional_text,
)
from learning.engines.behavior.chats import LONGEST_TEXT, is_failure
from learning.engines.behavior.episodes import LONGEST_NAME, Action, Episode, State, Step
from learning.engines.behavior.strategies import STRATEGIES
from learning.models import CorrectionKind, DemonstrationSource, ExecutionStatus, FeedbackType, StepSource
from learning.services.demonstrations import MOST_STEPS
from learning.services.execution_search import ANY, NONE, Wanted
from learning.services.reading_plan import Span

MOST_CHATS = 200
MOST_MESSAGES = 1_000


class ActionSerializer(StrictSerializer):
    name = serializers.CharField(max_length=LONGEST_NAME, help_text="The tool, or `respond` for an answer.")
    arguments = BoundedObject(max_chars=MAX_CONTEXT)

    def validate(self, attrs: Any) -> Action:
        return Action(attrs["name"], attrs.get("arguments", {}))


class StepSerializer(StrictSerializer):
    """What was seen, what was done, what came of it."""

    observation = Text(required=False, max_length=LONGEST_TEXT, help_text="What the agent saw when it decided.")
    source = serializers.ChoiceField(choices=StepSource.choices, default=StepSource.USER.value)  # type: ignore[assignment]  # a declared field
    action = ActionSerializer()
    outcome = Text(required=False, max_length=LONGEST_TEXT)
    failed = serializers.BooleanField(required=False, help_text="Left out: whether the outcome reads like an error.")

    def validate(self, attrs: Any) -> Step:
        outcome = attrs.get("outcome", "")
        failed = attrs.get("failed", is_failure(outcome))
        return Step(attrs.get("observation", ""), attrs["action"], outcome, failed, attrs["source"])


def _messages() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.DictField(), max_length=MOST_MESSAGES, required=False, min_length=1,
        help_text="A chat in the OpenAI form, tool calls included.",
    )  # fmt: skip


class NewStepsSerializer(NewDemonstrationSerializer):
    """A text, or the steps: as `steps`, or as the `messages` of a chat."""

    input_text = Text(required=False, help_text="With steps it is the first observation.")
    expected_output = Text(required=False, help_text="With steps it is written from them.")
    steps = serializers.ListField(child=StepSerializer(), required=False, max_length=MOST_STEPS, min_length=1)
    messages = _messages()
    reward = optional_number(0, 1)
    case = Text(max_length=200, required=False, allow_null=True, help_text="Shared by other tries of the same task.")
    external_id = optional_id(help_text="Yours; stored once.")

    def validate(self, attrs: Any) -> Any:
        stepwise = "steps" in attrs or "messages" in attrs
        if "steps" in attrs and "messages" in attrs:
            raise serializers.ValidationError({"messages": ["Give steps or messages, not both."]})
        missing = {
            name: ["A demonstration needs it, or steps."]
            for name in ("input_text", "expected_output")
            if not attrs.get(name, "").strip()
        }
        if missing and not stepwise:
            raise serializers.ValidationError(missing)
        return attrs


class ChatSerializer(StrictSerializer):
    """One logged chat."""

    id = optional_id(help_text="One that was imported before is left out.")
    messages = _messages()
    reward = optional_number(0, 1)
    case = Text(max_length=200, required=False, allow_null=True)
    user_id = Text(max_length=200, required=False, allow_null=True)


class ImportSerializer(StrictSerializer):
    agent_id = ExternalId()
    chats = serializers.ListField(child=ChatSerializer(), max_length=MOST_CHATS, min_length=1)


class ImportedSerializer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="Imported before.")
    ids = serializers.ListField(child=serializers.UUIDField())


class RecordedSerializer(StrictSerializer):
    """Which recorded executions; without a time those of the last 30 days."""

    agent_id = ExternalId()
    since = serializers.DateTimeField(required=False, allow_null=True, help_text="Arrived at this time or later.")
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="Arrived before.")
    status = serializers.ChoiceField(choices=ExecutionStatus.choices, required=False)
    feedback = serializers.ChoiceField(
        choices=[ANY, NONE, *FeedbackType.values], required=False, help_text="What was said about them."
    )
    user_or_session = Text(max_length=200, required=False, allow_null=True)
    reward_from_feedback = serializers.BooleanField(
        default=True, help_text="Thumbs and stars say how well each ended, 0 to 1."
    )

    def validate(self, attrs: Any) -> Any:
        end = attrs.get("until") or timezone.now() + timedelta(minutes=1)
        start = attrs.get("since") or end - timedelta(days=30)
        if not start < end:
            raise serializers.ValidationError({"until": ["It must be later than since."]})
        wanted = Wanted(
            Span(start, end), None, attrs.get("status", ""), attrs.get("feedback", ""),
            attrs.get("user_or_session") or "",
        )  # fmt: skip
        return {"agent_id": attrs["agent_id"], "wanted": wanted, "rewarded": attrs["reward_from_feedback"]}


class ShownStepSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    observation = serializers.CharField()
    source = serializers.ChoiceField(choices=StepSource.choices)  # type: ignore[assignment]  # a declared field
    action = serializers.CharField()
    arguments = serializers.DictField()
    outcome = serializers.CharField()
    failed = serializers.BooleanField()


class StepsSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    example_id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    source = serializers.ChoiceField(choices=DemonstrationSource.choices)  # type: ignore[assignment]  # a declared field
    reward = serializers.FloatField(allow_null=True)
    case = serializers.CharField()
    steps = serializers.SerializerMethodField()

    def get_steps(self, demonstration: Any) -> list[dict[str, Any]]:
        return [dict(ShownStepSerializer(row).data) for row in demonstration.steps.order_by("position")]


class StateSerializer(StrictSerializer):
    """What the agent knew when it decided."""

    request = Text(required=False, max_length=LONGEST_TEXT, help_text="What the work began with.")
    observation = Text(max_length=LONGEST_TEXT, allow_blank=False)
    source = serializers.ChoiceField(choices=StepSource.choices, default=StepSource.USER.value)  # type: ignore[assignment]  # a declared field
    past = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NAME), max_length=MOST_STEPS, required=False,
        help_text="The names of the actions before, in their order.",
    )  # fmt: skip

    def validate(self, attrs: Any) -> State:
        past = tuple((name, False) for name in attrs.get("past", []))
        return State(attrs.get("request") or attrs["observation"], attrs["observation"], attrs["source"], past)


class NewCorrectionSerializer(StrictSerializer):
    """`original_action` left out: it did nothing; `corrected_action` left out: it should have done nothing."""

    agent_id = ExternalId()
    original_action = ActionSerializer(required=False, allow_null=True)
    corrected_action = ActionSerializer(required=False, allow_null=True)
    explanation = optional_text()
    context = StateSerializer()  # type: ignore[assignment]  # a declared field
    config_id = serializers.UUIDField(required=False, allow_null=True)
    execution_id = optional_id(help_text="The execution that it corrects.")
    user_id = Text(source="user", max_length=200, required=False, allow_null=True)


class CorrectionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    example_id = serializers.UUIDField()
    config_id = serializers.UUIDField(allow_null=True)
    kind = serializers.ChoiceField(choices=CorrectionKind.choices)
    original = serializers.JSONField(allow_null=True)
    corrected = serializers.JSONField(allow_null=True)
    explanation = serializers.CharField()
    context = serializers.DictField()  # type: ignore[assignment]  # a declared field
    created_at = serializers.DateTimeField()


class TrendChangeSerializer(serializers.Serializer[Any]):
    place = serializers.IntegerField(help_text="The first week of the new rate, from 0.")
    before = serializers.FloatField()
    after = serializers.FloatField()
    p_value = serializers.FloatField()


class TrendQuerySerializer(serializers.Serializer[Any]):
    config_id = serializers.UUIDField(required=False, help_text="Of this config alone.")


class TrendSerializer(serializers.Serializer[Any]):
    """Corrections of one kind by week."""

    kind = serializers.ChoiceField(choices=CorrectionKind.choices)
    name = serializers.CharField()
    start = serializers.DateField()
    days = serializers.IntegerField()
    counts = serializers.ListField(child=serializers.IntegerField())
    exposure = serializers.ListField(child=serializers.FloatField())
    changes = TrendChangeSerializer(many=True)
    reason = serializers.CharField(help_text="Why no change was looked for.")
    per_execution = serializers.BooleanField(
        help_text="Whether exposure and rates are of executions; otherwise every day counts alike."
    )


class NewPolicyUpdateSerializer(StrictSerializer):
    agent_id = ExternalId()
    strategy = serializers.ChoiceField(choices=list(STRATEGIES), required=False)
    word_rules = serializers.BooleanField(required=False, help_text="Let the agent's model word the rules.")
    dataset_version_id = serializers.UUIDField(required=False, allow_null=True)


def episode_of(values: dict[str, Any]) -> Episode:
    """The episode of validated steps."""
    return Episode("given", tuple(values["steps"]), values.get("reward"), values.get("case") or "")
