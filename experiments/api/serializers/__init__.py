"""What requests about experiments and deployments look like, and what is answered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.metrics import CATALOGUE
from experiments.models import DeploymentStatus, ExperimentKind, ExperimentStatus, Unit
from experiments.stats.terms import Role, Verdict
from learning.api.serializers.fields import ExternalId, Number, StrictSerializer, Text

MAX_ARMS = 10
MAX_METRICS = 20
MAX_UNITS = 100_000_000
Fields = serializers.Serializer[Any]


class NewVariantSerializer(StrictSerializer):
    key = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]{0,49}$", help_text="Executions report it as `variant`.")
    config_id = serializers.UUIDField()
    percentage = Number(min_value=0, max_value=100, help_text="All variants together are 100.")
    is_control = serializers.BooleanField(required=False)


class MetricChoiceSerializer(StrictSerializer):
    name = Text(
        max_length=50, allow_blank=False, help_text=f"{', '.join(sorted(CATALOGUE))}, or one of your own (metrics)."
    )
    role = serializers.ChoiceField(choices=[role.value for role in Role], required=False)
    margin = serializers.FloatField(
        min_value=0,
        max_value=1e9,
        required=False,
        help_text="How much worse a guardrail may get, in the metric's unit.",
    )
    maturity_hours = serializers.FloatField(
        min_value=0,
        max_value=8760,
        required=False,
        help_text="A user counts so long after the exposure, with what came until then; 0: at once.",
    )
    winsorise = serializers.ListField(
        child=serializers.FloatField(allow_null=True, min_value=-1e15, max_value=1e15),
        min_length=2,
        max_length=2,
        required=False,
        help_text="A user's outcome below the first or above the second counts as these; null is no limit.",
    )
    winsorise_share = Number(
        min_value=0.0001,
        max_value=0.4999,
        required=False,
        help_text="Instead: cut where so large a share of the agent's users of the last 90 days begins, 0.01 for the "
        "highest percent. Each is watched for the metric's maturity_hours, else for min_duration_hours, from what it "
        "did first. For latency, tokens, cost, and your own counts and means.",
    )
    exact = serializers.BooleanField(
        required=False, help_text="For a rate of which few events are expected: bounds that hold from the first one on."
    )


class DraftSerializer(StrictSerializer):
    """What can be changed until an experiment starts."""

    name = Text(max_length=200, allow_blank=False, required=False)
    hypothesis = Text(max_length=5000, required=False)
    traffic_percentage = Number(
        source="traffic", min_value=0, max_value=100, required=False, help_text="Users that take part at all."
    )
    unit = serializers.ChoiceField(
        choices=Unit.choices, required=False, help_text="What is assigned; user unless given."
    )
    layer_id = ExternalId(
        source="layer", required=False, help_text="Id or name. Experiments of one layer exclude each other."
    )
    layer_percentage = Number(
        min_value=0, max_value=100, required=False, help_text="What it takes of its layer; 100 unless given."
    )
    metrics = serializers.ListField(child=MetricChoiceSerializer(), required=False, max_length=MAX_METRICS)
    min_samples = serializers.IntegerField(source="minimum_units", min_value=1, max_value=MAX_UNITS, required=False)
    min_duration_hours = serializers.FloatField(source="minimum_hours", min_value=0, max_value=100_000, required=False)
    planned_units = serializers.IntegerField(min_value=2, max_value=MAX_UNITS, required=False)
    significance_threshold = serializers.FloatField(source="alpha", min_value=0.0001, max_value=0.5, required=False)


class NewExperimentSerializer(DraftSerializer):
    agent_id = ExternalId()
    name = Text(max_length=200, allow_blank=False)
    kind = serializers.ChoiceField(
        choices=ExperimentKind.choices, required=False,
        help_text="aa needs no configs: it deals the units of an agent that serves one into equal arms.",
    )  # fmt: skip
    candidate_config_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Instead of variants: half of the users get this, half control."
    )
    control_config_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="With candidate_config_id. Left out: what serves everybody now."
    )
    variants = serializers.ListField(child=NewVariantSerializer(), required=False, max_length=MAX_ARMS)


class StatusChangeSerializer(StrictSerializer):
    status = serializers.ChoiceField(choices=[s.value for s in ExperimentStatus if s != ExperimentStatus.DRAFT])


class VariantSerializer(Fields):
    key = serializers.CharField()
    config_id = serializers.UUIDField()
    config_number = serializers.IntegerField(source="config.number")
    percentage = serializers.FloatField(source="share")
    is_control = serializers.BooleanField()


class StoredMetricSerializer(Fields):
    name = serializers.CharField()
    role = serializers.CharField()
    margin = serializers.FloatField()
    maturity_hours = serializers.FloatField(required=False)
    winsorise = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    exact = serializers.BooleanField(required=False)


class ExperimentSerializer(Fields):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    name = serializers.CharField()
    hypothesis = serializers.CharField()
    kind = serializers.ChoiceField(choices=ExperimentKind.choices)
    unit = serializers.ChoiceField(choices=Unit.choices)
    status = serializers.ChoiceField(choices=ExperimentStatus.choices)
    layer_id = serializers.UUIDField(allow_null=True)
    layer_percentage = serializers.FloatField(source="layer_share")
    traffic_percentage = serializers.FloatField(source="share")
    metrics = StoredMetricSerializer(many=True)
    min_samples = serializers.IntegerField(source="minimum_units")
    min_duration_hours = serializers.FloatField(source="minimum_hours")
    planned_units = serializers.IntegerField()
    significance_threshold = serializers.FloatField(source="alpha")
    variants = VariantSerializer(many=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ArmResultSerializer(Fields):
    n = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)


class MetricResultSerializer(Fields):
    metric = serializers.CharField()
    role = serializers.CharField()
    margin = serializers.FloatField()
    variant = serializers.CharField(source="variant.key")
    control = serializers.SerializerMethodField()
    treatment = serializers.SerializerMethodField()
    lift = serializers.FloatField(allow_null=True, help_text="Treatment minus control, in the metric's unit.")
    low = serializers.FloatField(allow_null=True, help_text="Ends of the confidence sequence; null before it starts.")
    high = serializers.FloatField(allow_null=True)
    relative_lift = serializers.FloatField(
        allow_null=True,
        help_text="Lift as a share of control's mean: 0.1 is ten percent more. null where that mean is not above 0.",
    )
    relative_low = serializers.FloatField(allow_null=True, help_text="Ends of its own confidence sequence.")
    relative_high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(help_text="Always valid: look whenever you like.")

    @extend_schema_field(ArmResultSerializer)
    def get_control(self, row: Any) -> dict[str, Any]:
        return {"n": row.control_n, "mean": row.control_mean}

    @extend_schema_field(ArmResultSerializer)
    def get_treatment(self, row: Any) -> dict[str, Any]:
        return {"n": row.treatment_n, "mean": row.treatment_mean}


class SampleRatioSerializer(Fields):
    alarm = serializers.BooleanField()
    p = serializers.FloatField(allow_null=True)


class QualitySerializer(Fields):
    of = serializers.ChoiceField(choices=["exposed", "matured", "rated"])
    units = serializers.DictField(child=serializers.IntegerField())
    alarm = serializers.BooleanField(help_text="The arms do not have their promised shares of these.")
    p = serializers.FloatField(allow_null=True)


class ResultsSerializer(Fields):
    experiment_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=ExperimentStatus.choices)
    verdict = serializers.ChoiceField(
        choices=[verdict.value for verdict in Verdict],
        help_text="stopped_for_harm ends the experiment by itself: every treatment breaks a guardrail, or is proven "
        "worse before the minimum of users and hours.",
    )
    winner = serializers.ChoiceField(
        choices=sorted({verdict.winner for verdict in Verdict}),
        help_text="The same in three words: control, when it was stopped for harm.",
    )
    winning_variant = serializers.CharField(allow_null=True)
    statistical_significance = serializers.FloatField(
        allow_null=True,
        help_text="The smallest always-valid p of a success metric, corrected for how many there are (Holm).",
    )
    sentence = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())
    units_needed = serializers.IntegerField(allow_null=True)
    units = serializers.DictField(child=serializers.IntegerField())
    crossed_units = serializers.IntegerField()
    hours = serializers.FloatField()
    sample_ratio = SampleRatioSerializer()
    quality = QualitySerializer(many=True)
    metrics = MetricResultSerializer(many=True)
    analysed_at = serializers.DateTimeField(allow_null=True)


class ExperimentFilterSerializer(Fields):
    agent_id = ExternalId(required=False)
    status = serializers.ChoiceField(choices=ExperimentStatus.choices, required=False)


class NewDeploymentSerializer(StrictSerializer):
    agent_id = ExternalId()
    config_id = serializers.UUIDField()
    share = Number(min_value=0, max_value=100, required=False, help_text="Percent of users; 100 unless given.")


class PromotionSerializer(StrictSerializer):
    share = Number(min_value=0, max_value=100, required=False)


class RollbackSerializer(StrictSerializer):
    reason = Text(max_length=2000, required=False)


class DeploymentSerializer(Fields):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="agent.external_id")
    config_id = serializers.UUIDField()
    config_number = serializers.IntegerField(source="config.number")
    previous_config_id = serializers.UUIDField(allow_null=True)
    experiment_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=DeploymentStatus.choices)
    share = serializers.FloatField()
    created_at = serializers.DateTimeField()


class DeploymentFilterSerializer(Fields):
    agent_id = ExternalId(required=False)
    status = serializers.ChoiceField(choices=DeploymentStatus.choices, required=False)


class ConfigQuerySerializer(Fields):
    user_id = Text(max_length=200, required=False)
    session_id = Text(max_length=200, required=False, help_text="For experiments that assign sessions.")
    execution_id = Text(max_length=200, required=False, help_text="For those that assign executions: the one to come.")
    expose = serializers.BooleanField(
        required=False, help_text="Record that the user meets the variant now; otherwise the first execution does."
    )


class ServedConfigSerializer(Fields):
    agent_id = serializers.CharField()
    config_id = serializers.UUIDField()
    config_number = serializers.IntegerField()
    content = serializers.DictField(child=serializers.JSONField())
    variant = serializers.CharField(help_text="Empty outside of a running experiment. Send it with the execution.")
    experiment_id = serializers.UUIDField(allow_null=True)
    unit_id = serializers.CharField(help_text="What the experiment has assigned; empty outside of one.")
    propensity = serializers.FloatField(allow_null=True, help_text="The probability of the variant, 0 to 1.")
    forced = serializers.BooleanField(help_text="A tester's: put into the variant by hand, and counted nowhere.")
    deployment_id = serializers.UUIDField(allow_null=True, help_text="Set when the user is in a deployment's share.")


class RulesetQuerySerializer(Fields):
    agent_id = ExternalId(required=False, help_text="One agent alone. A publishable key must name it.")


class RulesetSerializer(Fields):
    buckets = serializers.IntegerField()
    layers = serializers.DictField(child=serializers.DictField(child=serializers.JSONField()))
    agents = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    configs = serializers.DictField(child=serializers.DictField(child=serializers.JSONField()))
