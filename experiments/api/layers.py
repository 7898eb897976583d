"""Layers: experiments of one layer exclude each other."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from experiments.api.serializers import layers as shapes
from experiments.models import Layer
from experiments.services.layers import create_layer, update_layer
from organizations.api import OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need


@extend_schema_view(
    retrieve=extend_schema(summary="One layer", responses=shapes.LayerSerializer),
)
class LayerViewSet(OrganizationViewSet):
    """Shares of the units that experiments divide among themselves."""

    model = Layer
    called = "name"
    permissions = {
        "GET": need("read"),
        "POST": need("manage", role=Role.ADMIN),
        "PATCH": need("manage", role=Role.ADMIN),
    }
    serializer_class = shapes.LayerSerializer

    @extend_schema(summary="Layers, the newest first", responses=shapes.LayerSerializer(many=True))
    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(shapes.LayerSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(shapes.LayerSerializer(self.get_object()).data)

    @extend_schema(summary="Make a layer", request=shapes.NewLayerSerializer, responses={201: shapes.LayerSerializer})
    def create(self, request: Any) -> Response:
        layer = create_layer(**shapes.NewLayerSerializer().run_validation(request.data))
        return Response(shapes.LayerSerializer(layer).data, status=201)

    @extend_schema(
        summary="Rename a layer, or change its holdout while no experiment runs in it",
        request=shapes.LayerChangeSerializer,
        responses=shapes.LayerSerializer,
    )
    def partial_update(self, request: Any, pk: str) -> Response:
        values = shapes.LayerChangeSerializer().run_validation(request.data)
        layer = update_layer(layer=self.get_object(), **values)
        return Response(shapes.LayerSerializer(layer).data)
