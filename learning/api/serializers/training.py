"""Training runs as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import ExternalId, StrictSerializer, Text
from learning.engines.prompt.optimizer import FEWEST_CALLS
from learning.models import GateStatus, RunStatus, TrainingType
from learning.services.run_config import MOST_CALLS, MOST_REWRITES
from learning.services.training import LARGEST_SEED


class RunConfigSerializer(StrictSerializer):
    """What a prompt optimization may be told."""

    max_calls = serializers.IntegerField(
        min_value=FEWEST_CALLS,
        max_value=MOST_CALLS,
        required=False,
        help_text="Never passed, the confirmation included.",
    )
    metric = serializers.CharField(max_length=200, required=False, help_text="exact, normalised or token_f1.")
    goals = serializers.ListField(
        child=serializers.CharField(max_length=50), min_length=1, max_length=10, required=False,
        help_text="accuracy, clarity, brevity. Accuracy decides; the others order equally accurate variants.",
    )  # fmt: skip
    rewrites = serializers.IntegerField(
        min_value=0, max_value=MOST_REWRITES, required=False, help_text="Instructions that the model writes itself."
    )


class NewRunSerializer(StrictSerializer):
    agent_id = ExternalId()
    dataset_version_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Left out: the agent's newest."
    )
    base_config_id = serializers.UUIDField(required=False, allow_null=True, help_text="Left out: what serves now.")
    training_type = serializers.ChoiceField(choices=TrainingType.choices, required=False)
    name = Text(max_length=200, required=False)
    config = RunConfigSerializer(required=False)
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, required=False)


class OptimizePromptSerializer(StrictSerializer):
    """The short form: what to improve, and how much it may cost."""

    agent_id = ExternalId()
    optimization_goals = serializers.ListField(
        child=serializers.CharField(max_length=50), min_length=1, max_length=10, required=False
    )
    max_calls = serializers.IntegerField(min_value=FEWEST_CALLS, max_value=MOST_CALLS, required=False)
    metric = serializers.CharField(max_length=200, required=False)


class DecisionSerializer(StrictSerializer):
    approved = serializers.BooleanField(required=False, help_text="False rejects the candidate. Left out: true.")
    note = Text(max_length=2000, required=False, help_text="Goes into the audit.")


class RunFilterSerializer(serializers.Serializer[Any]):
    agent_id = ExternalId(required=False)
    status = serializers.ChoiceField(choices=RunStatus.choices, required=False)


class GateSummarySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=GateStatus.choices)
    approved = serializers.BooleanField(allow_null=True)


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agent_id = serializers.CharField(source="agent.external_id")
    dataset_version_id = serializers.UUIDField()
    base_config_id = serializers.UUIDField()
    candidate_config_id = serializers.UUIDField(allow_null=True)
    training_type = serializers.ChoiceField(choices=TrainingType.choices)
    status = serializers.ChoiceField(choices=RunStatus.choices)
    progress_percentage = serializers.FloatField()
    current_step = serializers.CharField()
    total_steps = serializers.IntegerField()
    attempt = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    failure_reason = serializers.CharField()
    config = serializers.DictField(child=serializers.JSONField())
    seed = serializers.IntegerField()
    metrics = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What was measured on the sealed test split, every variant.",
    )
    llm_calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    seconds = serializers.FloatField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class RunDetailSerializer(RunSerializer):
    gate = GateSummarySerializer(allow_null=True)


class StartedRunSerializer(serializers.Serializer[Any]):
    run_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    url = serializers.CharField(help_text="Ask here how far it is.")
