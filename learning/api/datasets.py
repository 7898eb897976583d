"""Datasets: made, changed, filled, published. Exports are in dataset_files, the cards in dataset_versions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.jobs import started
from learning.api.requests import read_query
from learning.api.serializers import datasets as shapes
from learning.api.serializers.examples import ExampleSerializer
from learning.api.serializers.jobs import StartedJobSerializer
from learning.models import Job, TrainingDataset
from learning.services import datasets
from learning.services.agent_directory import find_agent
from learning.services.examples import create_example
from learning.services.publication_jobs import publish_or_queue
from learning.services.recipes import change_dataset
from learning.waking import wake_for_job
from organizations.api import OrganizationViewSet
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import need


@extend_schema_view(
    list=extend_schema(
        summary="Datasets, the newest first",
        parameters=[shapes.DatasetFilterSerializer],
        responses=shapes.DatasetSerializer(many=True),
    ),
    retrieve=extend_schema(
        summary="One dataset; its addresses take its id or its name", responses=shapes.DatasetSerializer
    ),
)
class DatasetViewSet(OrganizationViewSet):
    model = TrainingDataset
    called = "name"
    permissions = {
        "GET": need("read", role=Role.MANAGER),
        "POST": need("manage", role=Role.MANAGER),
        "PATCH": need("manage", role=Role.MANAGER),
    }
    serializer_class = shapes.DatasetSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    def list(self, request: Any) -> Response:
        asked = read_query(shapes.DatasetFilterSerializer, request)
        return self.paged(self.get_queryset().filter(**asked), shapes.DatasetSerializer)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(shapes.DatasetSerializer(self.get_object()).data)

    @extend_schema(
        summary="A new, empty selection", request=shapes.NewDatasetSerializer, responses={201: shapes.DatasetSerializer}
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewDatasetSerializer().run_validation(request.data)
        name = values.pop("agent_id", None)
        dataset = datasets.create_dataset(agent=find_agent(name=name) if name else None, **values)
        return Response(shapes.DatasetSerializer(dataset).data, status=201)

    @extend_schema(
        summary="Change the recipe; published versions stay what they are",
        request=shapes.ChangedDatasetSerializer,
        responses=shapes.DatasetSerializer,
    )
    def partial_update(self, request: Any, pk: str) -> Response:
        values = shapes.ChangedDatasetSerializer().run_validation(request.data)
        if "agent_id" in values:
            name = values.pop("agent_id")
            values["agent"] = find_agent(name=name) if name else None
        dataset = self.get_object()
        change_dataset(dataset=dataset, **values)
        return Response(shapes.DatasetSerializer(dataset).data)

    @extend_schema(
        summary="The approved examples that a new version would hold", responses=ExampleSerializer(many=True)
    )
    def examples(self, request: Any, pk: str) -> Response:
        return self.paged(datasets.eligible_examples(self.get_object()).select_related("agent"), ExampleSerializer)

    @extend_schema(
        summary="Give an example; it waits for review like any other",
        request=shapes.NewDatasetExampleSerializer,
        responses={201: ExampleSerializer},
    )
    def add_example(self, request: Any, pk: str) -> Response:
        dataset = self.get_object()
        values = shapes.NewDatasetExampleSerializer().run_validation(request.data)
        name = values.pop("agent_id", None)
        agent = find_agent(name=name) if name else dataset.agent
        if agent is None:
            raise Refused("This dataset spans all agents, so name one.", "agent_id")
        if dataset.agent_id not in (None, agent.pk):
            raise Refused("This dataset is another agent's.", "agent_id")
        return Response(ExampleSerializer(create_example(agent=agent, **values)).data, status=201)

    @extend_schema(summary="Published versions, the newest first", responses=shapes.DatasetVersionSerializer(many=True))
    def versions(self, request: Any, pk: str) -> Response:
        return self.paged(self.get_object().versions.all(), shapes.DatasetVersionSerializer)

    @extend_schema(
        summary="Publish what is approved now; the same content again is the same version",
        description="Where more than 5,000 examples are to be chosen from the answer is 202 with the job that does it.",
        request=None,
        responses={
            200: shapes.DatasetVersionSerializer,
            201: shapes.DatasetVersionSerializer,
            202: StartedJobSerializer,
        },
    )
    def publish(self, request: Any, pk: str) -> Response:
        dataset = self.get_object()
        before = datasets.newest_number(dataset)
        made = publish_or_queue(dataset=dataset, user=request.auth.user)
        if isinstance(made, Job):
            wake_for_job(made)
            return started(made)
        status = 201 if made.number > before else 200
        return Response(shapes.DatasetVersionSerializer(made).data, status=status)

    def paged(self, rows: Any, serializer: Any) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True).data)
