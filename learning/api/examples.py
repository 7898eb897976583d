"""GET of learning examples, and the ways to give some directly."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.response import Response

from learning.api.serializers.examples import (
    ExampleFilterSerializer,
    ExampleSerializer,
    NewDemonstrationSerializer,
    NewExampleSerializer,
    NewPreferenceSerializer,
    filter_of,
)
from learning.models import ExampleType, LearningExample, SourceType
from learning.services.agent_directory import find_agent
from learning.services.example_search import narrow
from learning.services.examples import create_example
from organizations.api import OrganizationViewSet
from organizations.permissions import need

PAGING = ("cursor", "limit")


@extend_schema_view(
    list=extend_schema(parameters=[ExampleFilterSerializer], responses=ExampleSerializer(many=True)),
    retrieve=extend_schema(responses=ExampleSerializer),
)
class ExampleViewSet(OrganizationViewSet):
    """Examples of every type. Each waits for review before it may be learned from."""

    model = LearningExample
    permissions = {"GET": need("read", role="manager"), "POST": need("manage", role="manager")}
    serializer_class = ExampleSerializer
    fixed: dict[str, Any] = {}  # what the address says about an example

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent").filter(**self.shown())

    def shown(self) -> dict[str, Any]:
        return {"example_type": self.fixed["example_type"]} if self.fixed else {}

    def list(self, request: Any) -> Response:
        asked = {name: value for name, value in request.query_params.items() if name not in PAGING}
        wanted = filter_of(ExampleFilterSerializer().run_validation(asked))
        page = self.paginate_queryset(narrow(self.get_queryset(), wanted))
        return self.get_paginated_response(ExampleSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(ExampleSerializer(self.get_object()).data)

    @extend_schema(request=NewExampleSerializer, responses={201: ExampleSerializer})
    def create(self, request: Any) -> Response:
        return self.store(NewExampleSerializer())

    def store(self, serializer: serializers.Serializer[Any]) -> Response:
        values = serializer.run_validation(self.request.data) | self.fixed
        example = create_example(agent=find_agent(name=values.pop("agent_id")), **values)
        return Response(ExampleSerializer(example).data, status=201)


class DemonstrationViewSet(ExampleViewSet):
    """Examples of how it is done."""

    fixed = {"example_type": ExampleType.DEMONSTRATION, "source_type": SourceType.DEMONSTRATION}

    @extend_schema(request=NewDemonstrationSerializer, responses={201: ExampleSerializer})
    def create(self, request: Any) -> Response:
        return self.store(NewDemonstrationSerializer())


class PreferenceViewSet(ExampleViewSet):
    """Pairs of a better and a worse answer."""

    fixed = {"example_type": ExampleType.PREFERENCE}

    @extend_schema(request=NewPreferenceSerializer, responses={201: ExampleSerializer})
    def create(self, request: Any) -> Response:
        return self.store(NewPreferenceSerializer())
