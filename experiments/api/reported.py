"""Metrics of the application's own, and what it reports under them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.response import Response

from experiments.models import CustomMetric, MetricShape
from experiments.services.reported import create_metric, delete_metric, report_outcomes, update_metric
from learning.api.batches import answer_batch
from learning.api.serializers.batches import BatchAnswerSerializer
from learning.api.serializers.compiled import CompiledSerializer
from learning.api.serializers.fields import ExternalId, PastTime, StrictSerializer, Text
from learning.services.intake import MAX_BATCH
from organizations.api import OrganizationAPIView, OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need
from organizations.throttles import IntakeThrottle

LARGEST = 1e15
Fields = serializers.Serializer[Any]


class NewMetricSerializer(StrictSerializer):
    name = Text(max_length=50, allow_blank=False, help_text="As outcomes name it: small letters, digits, underscores.")
    label = Text(max_length=100, allow_blank=False, help_text="As people read it.")  # type: ignore[assignment]  # a declared field
    description = Text(max_length=2000, required=False)
    shape = serializers.ChoiceField(
        choices=MetricShape.choices,
        help_text="Of a user: whether it happened, how often, the mean of what was reported, or a sum over a sum.",
    )
    higher_is_better = serializers.BooleanField(required=False)
    unit = Text(max_length=20, required=False)
    maturity_hours = serializers.FloatField(
        min_value=0, max_value=8760, required=False, help_text="A user counts so long after the exposure; 0: at once."
    )
    low = serializers.FloatField(
        min_value=-LARGEST, max_value=LARGEST, required=False, help_text="A user's outcome below counts as this."
    )
    high = serializers.FloatField(min_value=-LARGEST, max_value=LARGEST, required=False)


class MetricChangeSerializer(StrictSerializer):
    """Name and shape are read only to say that they stay. Here a null says something: it takes a limit away."""

    name = Text(max_length=50, required=False, help_text="Stays as it is.")
    label = Text(max_length=100, allow_blank=False, required=False)  # type: ignore[assignment]  # a declared field
    description = Text(max_length=2000, required=False)
    shape = serializers.ChoiceField(choices=MetricShape.choices, required=False, help_text="Stays as it is.")
    higher_is_better = serializers.BooleanField(required=False)
    unit = Text(max_length=20, required=False)
    maturity_hours = serializers.FloatField(min_value=0, max_value=8760, required=False)
    low = serializers.FloatField(min_value=-LARGEST, max_value=LARGEST, required=False, allow_null=True)
    high = serializers.FloatField(min_value=-LARGEST, max_value=LARGEST, required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        return values | {limit: None for limit in ("low", "high") if limit in data and data[limit] is None}


class MetricSerializer(Fields):
    id = serializers.UUIDField()
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field
    description = serializers.CharField()
    shape = serializers.ChoiceField(choices=MetricShape.choices)
    higher_is_better = serializers.BooleanField()
    unit = serializers.CharField()
    maturity_hours = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class NewOutcomeSerializer(StrictSerializer):
    agent_id = ExternalId()
    user_id = Text(
        max_length=200, allow_blank=False, help_text="Or the session or execution that an experiment counts."
    )
    metric = Text(max_length=50, allow_blank=False)
    value = serializers.FloatField(
        min_value=-LARGEST, max_value=LARGEST, required=False, help_text="1 unless given; of a binary metric 0 or 1."
    )
    denominator = serializers.FloatField(min_value=0, max_value=LARGEST, required=False, help_text="Of a ratio.")
    occurred_at = PastTime(required=False, help_text="Now unless given. It counts from the user's exposure on.")
    experiment_id = serializers.UUIDField(
        required=False, help_text="Refuse what this experiment cannot count, such as an outcome before the exposure."
    )
    idempotency_key = Text(max_length=200, allow_blank=False, required=False)


class OutcomeBatchSerializer(Fields):
    """For the schema: the items are validated one by one."""

    items = serializers.ListField(child=NewOutcomeSerializer(), min_length=1, max_length=MAX_BATCH)  # type: ignore[assignment]


class StoredOutcomeSerializer(Fields):
    outcome_id = serializers.UUIDField()


NEW_OUTCOME = CompiledSerializer(NewOutcomeSerializer())


@extend_schema_view(retrieve=extend_schema(summary="One metric of your own", responses=MetricSerializer))
class MetricViewSet(OrganizationViewSet):
    """What an application measures itself, for experiments to compare."""

    model = CustomMetric
    called = "name"
    permissions = {
        "GET": need("read"),
        "POST": need("manage", role=Role.ADMIN),
        "PATCH": need("manage", role=Role.ADMIN),
        "DELETE": need("manage", role=Role.ADMIN),
    }
    serializer_class = MetricSerializer
    pagination_class = None  # type: ignore[assignment]  # an organization has a handful

    @extend_schema(summary="Metrics of your own", responses=MetricSerializer(many=True))
    def list(self, request: Any) -> Response:
        return Response(MetricSerializer(self.get_queryset().order_by("name"), many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(MetricSerializer(self.get_object()).data)

    @extend_schema(
        summary="Define a metric of your own", request=NewMetricSerializer, responses={201: MetricSerializer}
    )
    def create(self, request: Any) -> Response:
        metric = create_metric(**NewMetricSerializer().run_validation(request.data))
        return Response(MetricSerializer(metric).data, status=201)

    @extend_schema(
        summary="Change a metric of your own",
        description="What decides a verdict is frozen while an experiment that measures it goes on.",
        request=MetricChangeSerializer,
        responses=MetricSerializer,
    )
    def partial_update(self, request: Any, pk: str) -> Response:
        values = MetricChangeSerializer().run_validation(request.data)
        return Response(MetricSerializer(update_metric(metric=self.get_object(), **values)).data)

    @extend_schema(summary="Delete a metric that no experiment measures", responses={204: None})
    def destroy(self, request: Any, pk: str) -> Response:
        delete_metric(metric=self.get_object())
        return Response(status=204)


class OutcomesView(OrganizationAPIView):
    """What a user did, under a metric of your own. Every experiment that measures it counts it."""

    permissions = {"POST": need("ingest")}
    throttle_classes = [IntakeThrottle]

    @extend_schema(summary="Report an outcome", request=NewOutcomeSerializer, responses={201: StoredOutcomeSerializer})
    def post(self, request: Any) -> Response:
        outcome = report_outcomes(items=[NEW_OUTCOME.run_validation(request.data)])[0]
        return Response({"outcome_id": outcome.stored_id()}, status=201)


class OutcomeBatchView(OrganizationAPIView):
    """Each item is taken or refused on its own."""

    permissions = {"POST": need("ingest")}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Report up to 1,000 outcomes", request=OutcomeBatchSerializer, responses={200: BatchAnswerSerializer}
    )
    def post(self, request: Any) -> Response:
        status, answer = answer_batch(
            request.data, NEW_OUTCOME, lambda items: report_outcomes(items=items), lambda index, item: item
        )
        return Response(answer, status=status)
