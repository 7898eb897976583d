"""Training runs as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import BoundedObject, ExternalId, Number, StrictSerializer, Text
from learning.engines.behavior.strategies import STRATEGIES as WAYS_TO_LEARN
from learning.engines.metrics import METRIC_KINDS
from learning.engines.prompt.planning import FEWEST_CALLS
from learning.engines.prompt.strategies import STRATEGIES
from learning.models import GateStatus, RunStatus, TrainingRun, TrainingType
from learning.services.run_comparison import FEWEST, MOST
from learning.services.run_config import (
    DECIMALS,
    MOST_AT_ONCE,
    MOST_CALLS,
    MOST_MONEY,
    MOST_REWRITES,
    MOST_TOKENS,
    SECONDS,
)
from learning.services.training import LARGEST_SEED, worked_seconds

METRICS = ", ".join(METRIC_KINDS)
OPTIONS = "; ".join(f"{name}: {', '.join(kind.options)}" for name, kind in METRIC_KINDS.items() if kind.options)

ESTIMATED = "Calls whose tokens the endpoint did not report: theirs, and their cost, are estimated from the texts."


def _whole(low: int, high: int, help_text: str = "") -> serializers.IntegerField:
    """A whole number that may be left out."""
    return serializers.IntegerField(
        min_value=low, max_value=high, required=False, allow_null=True, help_text=help_text or None
    )


class RunConfigSerializer(StrictSerializer):
    """What a run may be told."""

    max_calls = serializers.IntegerField(
        min_value=FEWEST_CALLS,
        max_value=MOST_CALLS,
        required=False,
        help_text="Never passed, the confirmation included.",
    )
    max_tokens = _whole(1, MOST_TOKENS, help_text="In and out together; never passed.")
    max_money = Number(
        min_value=0, max_value=float(MOST_MONEY), required=False, allow_null=True,
        help_text=f"In the currency of the price table, at most {DECIMALS} decimals; never passed.",
    )  # fmt: skip
    max_seconds = _whole(
        *SECONDS, help_text="Of work; the time of a stop is left out. At most a little less than TRAINING_JOB_TIMEOUT."
    )
    metric = serializers.CharField(max_length=200, required=False, help_text=f"One of {METRICS}.")
    metric_options = BoundedObject(max_chars=50_000, help_text=f"What the metric can be told: {OPTIONS}.")
    goals = serializers.ListField(
        child=serializers.CharField(max_length=50), min_length=1, max_length=10, required=False,
        help_text="accuracy, clarity, brevity. Accuracy decides; the others order equally accurate variants.",
    )  # fmt: skip
    rewrites = serializers.IntegerField(
        min_value=0, max_value=MOST_REWRITES, required=False, help_text="Instructions that the model writes itself."
    )
    strategies = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=20, required=False,
        help_text=f"Ways to make candidates: {', '.join(STRATEGIES)}. Left out: those that fit the budget.",
    )  # fmt: skip
    concurrency = _whole(1, MOST_AT_ONCE, help_text="Calls at a time. Left out: what the endpoint may get.")
    strategy = serializers.ChoiceField(
        choices=list(WAYS_TO_LEARN), required=False, help_text="How behavior is learned; for behavior_cloning."
    )
    word_rules = serializers.BooleanField(
        required=False, help_text="Whether the model words the rules; for behavior_cloning."
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


class EstimateSerializer(serializers.Serializer[Any]):
    """What a run would probably take. Remembered answers cost nothing, so it may take less."""

    calls = serializers.IntegerField(help_text="At most.")
    confirmation_calls = serializers.IntegerField(
        help_text="Of these, about so many for the sealed test split; fewer for a gain that is plain to see."
    )
    kept_calls = serializers.IntegerField(help_text="Of these, kept for calls that are lost.")
    gate_calls = serializers.IntegerField(
        help_text="At most so many more, for the checks of a candidate; the limits of the run do not hold for them."
    )
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    money = serializers.DecimalField(
        max_digits=30, decimal_places=8, allow_null=True, coerce_to_string=True,
        help_text="In the currency of the price table; null where a model that is asked has no price.",
    )  # fmt: skip
    unpriced = serializers.ListField(child=serializers.CharField(), help_text="The models without a price.")
    seconds = serializers.FloatField(allow_null=True, help_text="null before a run with this metric has finished.")
    tokens_from = serializers.CharField(help_text="What the tokens were estimated from.")
    runs = serializers.IntegerField(help_text="How many earlier runs tell the speed.")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Limits that will probably end it.")


class OptimizePromptSerializer(StrictSerializer):
    """The short form: what to improve, and how much it may cost."""

    agent_id = ExternalId()
    optimization_goals = serializers.ListField(
        child=serializers.CharField(max_length=50), min_length=1, max_length=10, required=False
    )
    max_calls = serializers.IntegerField(min_value=FEWEST_CALLS, max_value=MOST_CALLS, required=False)
    metric = serializers.CharField(max_length=200, required=False, help_text=f"One of {METRICS}.")
    metric_options = BoundedObject(max_chars=50_000)
    max_tokens = _whole(1, MOST_TOKENS)
    max_money = Number(min_value=0, max_value=float(MOST_MONEY), required=False, allow_null=True)
    max_seconds = _whole(*SECONDS)


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
    llm_calls = serializers.IntegerField(help_text="By the checks; those of the run are not among them.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    estimated_calls = serializers.IntegerField(help_text=ESTIMATED)
    cost = serializers.DecimalField(
        max_digits=16, decimal_places=8, allow_null=True,
        help_text="In the currency of the price table; null where the model has no price.",
    )  # fmt: skip


class ListedRunSerializer(serializers.Serializer[Any]):
    """Without what it found, which may be long: ask for the run itself."""

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
    rerun_of_id = serializers.UUIDField(allow_null=True, help_text="The run that this one repeats.")
    verdict = serializers.CharField(allow_null=True, help_text="improved, or no measurable improvement; null before.")
    improvement_percentage = serializers.FloatField(allow_null=True, help_text="Confirmed, in percentage points.")
    llm_calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    estimated_calls = serializers.IntegerField(help_text=ESTIMATED)
    cost = serializers.DecimalField(
        max_digits=16, decimal_places=8, allow_null=True,
        help_text="In the currency of the price table; null where the model has no price.",
    )  # fmt: skip
    seconds = serializers.SerializerMethodField(
        help_text="Of work until now; the time in which nobody worked on it, as in a stop, is left out."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_seconds(self, run: TrainingRun) -> float:
        return worked_seconds(run)


class RunSerializer(ListedRunSerializer):
    metrics = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What was found: the gain on the sealed test split, every variant, the analysis; while the run "
        "works, `trace` alone. Which test examples got worse (`worse_examples`) is told to administrators.",
    )
    estimate = serializers.DictField(
        child=serializers.JSONField(allow_null=True), help_text="What was told before it started; empty in old runs."
    )


class RunDetailSerializer(RunSerializer):
    gate = GateSummarySerializer(allow_null=True)


class LogLineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    level = serializers.CharField()
    message = serializers.CharField()
    created_at = serializers.DateTimeField()


class LogFilterSerializer(serializers.Serializer[Any]):
    after = serializers.UUIDField(required=False, help_text="The last line that you have: go on after it.")


class CompareSerializer(serializers.Serializer[Any]):
    id = serializers.ListField(
        child=serializers.UUIDField(), min_length=FEWEST, max_length=MOST, help_text="Given once for each run."
    )


class SettingDifferenceSerializer(serializers.Serializer[Any]):
    setting = serializers.CharField(help_text="Such as config.max_calls.")
    values = serializers.ListField(
        child=serializers.JSONField(allow_null=True), help_text="One for each run, in their order."
    )


class ComparisonSerializer(serializers.Serializer[Any]):
    comparable = serializers.BooleanField(help_text="Whether the gains can be compared.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why they cannot.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What to keep in mind where they can.")
    same_split = serializers.BooleanField(help_text="All are confirmed on one sealed test split.")
    differences = SettingDifferenceSerializer(many=True)
    runs = RunSerializer(many=True)


class StartedRunSerializer(serializers.Serializer[Any]):
    run_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    url = serializers.CharField(help_text="Ask here how far it is.")
