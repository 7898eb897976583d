"""Datasets looked into: what would be published, what a version holds, what differs, what approvals yielded."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers import datasets as shapes
from learning.models import DatasetVersion, LearningExample, TrainingDataset
from learning.services.compiler import compiled_rows
from learning.services.dataset_diff import PAGE, changed_recipe, count_differences, list_differences
from learning.services.dataset_preview import preview_version
from learning.services.dataset_versions import count_readings, examples_in, find_number
from learning.services.datasets import newest_number
from learning.services.weights import set_weight
from organizations.api import OrganizationViewSet
from organizations.errors import Missing
from organizations.models import Role
from organizations.permissions import need


class DatasetContentViewSet(OrganizationViewSet):
    model = TrainingDataset
    called = "name"
    permissions = {"GET": need("read", role=Role.MANAGER)}
    serializer_class = shapes.DatasetSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    @extend_schema(summary="What a version made now would hold; nothing is stored", responses=shapes.PreviewSerializer)
    def preview(self, request: Any, pk: str) -> Response:
        return Response(shapes.PreviewSerializer(preview_version(dataset=self.get_object())).data)

    @extend_schema(summary="A published version with its data card", responses=shapes.DatasetCardSerializer)
    def version(self, request: Any, pk: str, number: int) -> Response:
        version = self.numbered(self.get_object(), number)
        version.test_readings = count_readings([version]).get(version.pk, 0)  # type: ignore[attr-defined]
        return Response(shapes.DatasetCardSerializer(version).data)

    @extend_schema(
        summary="What differs between two versions; of the sealed test split only numbers",
        parameters=[shapes.DiffFilterSerializer],
        responses=shapes.DiffSerializer,
    )
    def diff(self, request: Any, pk: str) -> Response:
        asked = read_query(shapes.DiffFilterSerializer, request)
        dataset = self.get_object()
        old, new = (self.numbered(dataset, asked[name]) for name in ("from", "to"))
        rows, following = list_differences(
            old=old, new=new, kind=asked.get("kind", ""), after=asked.get("after"), limit=asked.get("limit", PAGE)
        )
        found = {
            "counts": count_differences(old=old, new=new),
            "recipe": changed_recipe(old=old, new=new),
            "results": rows,
            "next": following,
        }
        return Response(shapes.DiffSerializer(found).data)

    @extend_schema(
        summary="What the open examples of a version yield in one form: rows for fine-tuning, preference pairs, ...",
        parameters=[shapes.CompiledFilterSerializer],
        responses=shapes.CompiledPageSerializer,
    )
    def compiled(self, request: Any, pk: str) -> Response:
        asked = read_query(shapes.CompiledFilterSerializer, request)
        limit = asked.get("limit", PAGE)
        dataset = self.get_object()
        version = self.numbered(dataset, asked.get("version") or newest_number(dataset))
        examples = examples_in(version)
        if "after" in asked:
            examples = examples.filter(pk__gt=asked["after"])
        found = list(examples[: limit + 1])
        rows = compiled_rows(found[:limit], asked["kind"])
        following = found[limit - 1].pk if len(found) > limit else None
        return Response(shapes.CompiledPageSerializer({"results": rows, "next": following}).data)

    def numbered(self, dataset: TrainingDataset, number: int) -> DatasetVersion:
        version = find_number(dataset, number) if number <= shapes.LARGEST_NUMBER else None
        if version is None:
            raise Missing(f"This dataset has no version {number}.")
        return version


class ExampleWeightViewSet(OrganizationViewSet):
    """A person's word on how much an example counts."""

    model = LearningExample
    permissions = {"PUT": need("manage", role=Role.MANAGER)}
    serializer_class = shapes.WeightSerializer

    @extend_schema(
        summary="Set how much an example counts in versions that are published from now on; null: as computed",
        request=shapes.WeightSerializer,
        responses=shapes.WeightSerializer,
    )
    def update(self, request: Any, pk: str) -> Response:
        values = shapes.WeightSerializer().run_validation(request.data)
        set_weight(example=self.get_object(), weight=values["weight"])
        return Response(values)
