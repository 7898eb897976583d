"""What the human-feedback learner found, as it is shown."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learning.api.serializers.fields import Number, StrictSerializer, Text
from learning.engines.insight.words import aspect_words, feature_words
from learning.models import ImprovementStatus, PatternType

LEARNED, INSUFFICIENT, NOTHING = "learned", "insufficient_data", "nothing_learned_yet"
STATES = (LEARNED, INSUFFICIENT, NOTHING)


class ReportSerializer(serializers.Serializer[Any]):
    """Which look at the feedback it is from; the numbers are null when there was none yet."""

    agent_id = serializers.CharField()
    status = serializers.ChoiceField(choices=STATES)
    report = serializers.IntegerField(allow_null=True, help_text="The number of the report, counted by agent.")
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    opinions = serializers.IntegerField(help_text="How many people judged how many executions, multiplied out.")


class CorrelationSerializer(serializers.Serializer[Any]):
    feature = serializers.CharField()
    feature_words = serializers.SerializerMethodField()
    aspect = serializers.CharField()
    aspect_words = serializers.SerializerMethodField()
    status = serializers.CharField(
        source="state", help_text="measured, insufficient_data (below 10), constant_feature or constant_aspect."
    )
    n = serializers.IntegerField()
    correlation = serializers.FloatField(allow_null=True, help_text="Of ranks, -1 to 1.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True, help_text="Knows who judged; null where nothing can be tested.")
    adjusted_p = serializers.FloatField(allow_null=True, help_text="Benjamini-Yekutieli over all pairs of the report.")
    significant = serializers.BooleanField()
    details: Any = serializers.DictField(child=serializers.JSONField(allow_null=True))

    def get_feature_words(self, row: Any) -> str:
        return feature_words(row.feature)

    def get_aspect_words(self, row: Any) -> str:
        return aspect_words(row.aspect)


class CorrelationsSerializer(ReportSerializer):
    correlations = CorrelationSerializer(many=True)


class PatternSerializer(serializers.Serializer[Any]):
    pattern_type = serializers.ChoiceField(choices=PatternType.choices)
    name = serializers.CharField()
    text = serializers.CharField()
    n = serializers.IntegerField()
    low = serializers.FloatField(source="confidence_low", allow_null=True)
    high = serializers.FloatField(source="confidence_high", allow_null=True)
    adjusted_p = serializers.FloatField(allow_null=True)
    details: Any = serializers.DictField(child=serializers.JSONField(allow_null=True))


class PatternsSerializer(ReportSerializer):
    successful_decisions = PatternSerializer(many=True)
    failure_patterns = PatternSerializer(many=True)
    quality_thresholds = PatternSerializer(many=True)
    discriminative_terms = PatternSerializer(many=True)
    rules = PatternSerializer(many=True)


class SeveritySerializer(serializers.Serializer[Any]):
    report = serializers.IntegerField()
    severity = serializers.FloatField()


class DriftSerializer(serializers.Serializer[Any]):
    """Something has moved when its first and its last interval have nothing in common."""

    severities = SeveritySerializer(many=True)
    severity_moved = serializers.BooleanField()
    weights_moved = serializers.ListField(child=serializers.CharField(), help_text="Names of aspects and features.")


class PreferenceSerializer(serializers.Serializer[Any]):
    reviewer_type = serializers.SerializerMethodField(help_text="expert or user.")
    reviewer = serializers.SerializerMethodField(help_text="The expert's sign-in name, or the user's pseudonym.")
    n = serializers.IntegerField(help_text="Opinions.")
    mean = serializers.FloatField(allow_null=True, help_text="Of their opinions; null for who only chose answers.")
    severity = serializers.FloatField(allow_null=True, help_text="Above 0: stricter than reviewers are on average.")
    severity_low = serializers.FloatField(allow_null=True)
    severity_high = serializers.FloatField(allow_null=True)
    own_share = serializers.FloatField(help_text="How much of it is their own opinions and not the mean, 0 to 1.")
    threshold = serializers.FloatField(allow_null=True, help_text="From which mean score on they approve.")
    accuracy = serializers.FloatField(allow_null=True, help_text="Of foretelling their opinions, leaving one out.")
    chance = serializers.FloatField(allow_null=True, help_text="The same by their usual answer.")
    predictable = serializers.BooleanField()
    weights: Any = serializers.DictField(
        child=serializers.JSONField(allow_null=True), help_text="What a feature of the answer changes in what they say."
    )
    aspect_weights: Any = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What an aspect, such as clarity, changes in their verdict.",
    )
    pairs = serializers.IntegerField(help_text="Choices between two answers, corrections among them.")
    pair_accuracy = serializers.FloatField(
        allow_null=True, help_text="How often their choice is foretold on other cases; by chance 0.5."
    )
    pair_weights: Any = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What a feature changes in the log-odds that they prefer an answer.",
    )
    drift = serializers.SerializerMethodField(help_text="Over the last reports.")

    @extend_schema_field(DriftSerializer)
    def get_drift(self, row: Any) -> Any:
        found = self.context["drifts"][row.pk]
        points = [{"report": number, "severity": severity} for number, severity in found.points]
        return {"severities": points, "severity_moved": found.moved, "weights_moved": found.weights}

    def get_reviewer_type(self, row: Any) -> str:
        return "expert" if row.reviewer_id else "user"

    def get_reviewer(self, row: Any) -> str:
        return row.reviewer.get_username() if row.reviewer_id else row.user


class PreferenceWeightSerializer(serializers.Serializer[Any]):
    feature = serializers.CharField()
    value = serializers.FloatField(help_text="Of one standard deviation more, in log-odds of being preferred.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    p_value = serializers.FloatField(allow_null=True, help_text="Knows who chose; null where nothing can be tested.")
    adjusted = serializers.FloatField(allow_null=True, help_text="Benjamini-Yekutieli over all features.")


class PreferredSerializer(serializers.Serializer[Any]):
    """Which of two answers people prefer (Bradley-Terry with covariates)."""

    n = serializers.IntegerField(default=0, help_text="Pairs.")
    reviewers = serializers.IntegerField(default=0)
    compared = serializers.IntegerField(default=0, help_text="Pairs that were shown side by side.")
    corrected = serializers.IntegerField(default=0, help_text="Corrections of what the agent said.")
    reason = serializers.CharField(default="", help_text="Why there are no weights, or what is special about them.")
    accuracy = serializers.FloatField(default=None, allow_null=True, help_text="On other cases; by chance 0.5.")
    accuracy_low = serializers.FloatField(default=None, allow_null=True)
    accuracy_high = serializers.FloatField(default=None, allow_null=True)
    weights = PreferenceWeightSerializer(many=True, default=list)
    moved = serializers.ListField(
        child=serializers.CharField(),
        default=list,
        help_text="Features that weigh otherwise than at first.",
    )


class PreferencesSerializer(ReportSerializer):
    preferred = PreferredSerializer()
    preferences = PreferenceSerializer(many=True)


class ImprovementSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    reason = serializers.CharField()
    instruction = serializers.CharField(help_text="A sentence for the system prompt; empty: for people to decide.")
    evidence: Any = serializers.DictField(child=serializers.JSONField(allow_null=True))
    status = serializers.ChoiceField(choices=ImprovementStatus.choices)
    config_id = serializers.UUIDField(allow_null=True)
    applied_at = serializers.DateTimeField(allow_null=True)
    times_applied = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True)
    judged = serializers.IntegerField()
    effect: Any = serializers.DictField(
        child=serializers.JSONField(allow_null=True), help_text="difference, low and high of the success rates."
    )
    withdrawn_because = serializers.CharField()


class ImprovementsSerializer(serializers.Serializer[Any]):
    agent_id = serializers.CharField()
    improvements = ImprovementSerializer(many=True)


class ImprovementQuerySerializer(serializers.Serializer[Any]):
    live = serializers.BooleanField(
        required=False, default=False, help_text="Only those that an application may apply by itself now."
    )


class AppliedSerializer(serializers.Serializer[Any]):
    config_id = serializers.UUIDField()
    number = serializers.IntegerField()
    gate_report_id = serializers.UUIDField(allow_null=True)


class LearnSerializer(StrictSerializer):
    days = serializers.IntegerField(min_value=1, max_value=365, required=False, help_text="Left out: 30.")


class PredictSerializer(StrictSerializer):
    input = Text(required=False, default="")
    output = Text(allow_blank=False)
    duration_ms = Number(required=False, min_value=0)
    input_tokens = Number(required=False, min_value=0)
    output_tokens = Number(required=False, min_value=0)
    cost = Number(required=False, min_value=0)
    confidence = Number(required=False, min_value=0, max_value=1)


class ReasonSerializer(serializers.Serializer[Any]):
    feature = serializers.CharField()
    words = serializers.SerializerMethodField()
    value = serializers.FloatField()
    effect = serializers.FloatField(help_text="What it adds to the quality, compared with its usual value.")

    def get_words(self, reason: Any) -> str:
        return feature_words(reason.feature)


class PredictionSerializer(serializers.Serializer[Any]):
    quality = serializers.FloatField(help_text="0 to 1.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    confidence = serializers.FloatField(help_text="How often the interval holds what people say.")
    report = serializers.IntegerField(help_text="The report whose model it is.")
    reasons = ReasonSerializer(many=True)
