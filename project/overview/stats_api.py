"""GET /api/learning/stats."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from organizations.api import OrganizationAPIView
from organizations.permissions import need
from project.overview import numbers


class StatsSerializer(serializers.Serializer):
    pending_annotations = serializers.IntegerField()
    annotated_today = serializers.IntegerField()
    total_examples = serializers.IntegerField()
    active_experiments = serializers.IntegerField()
    running_training = serializers.IntegerField()


class StatsView(OrganizationAPIView):
    """How much is waiting, done and running."""

    permissions = {"GET": need("read")}

    @extend_schema(operation_id="stats", responses=StatsSerializer)
    def get(self, request: Any) -> Response:
        return Response(numbers.stats())
