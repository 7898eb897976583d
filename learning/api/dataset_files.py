"""Files of examples: taken in as a job, and published versions sent out as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.response import Response

from learning.api.datasets import DatasetViewSet
from learning.api.jobs import started
from learning.api.requests import read_query
from learning.api.serializers import dataset_files as shapes
from learning.api.serializers.datasets import ExportedItemSerializer
from learning.api.serializers.jobs import StartedJobSerializer
from learning.formats.writing import TARGETS
from learning.models import Split, TrainingDataset
from learning.services import artifact_store, dataset_exports
from learning.services.agent_directory import find_agent
from learning.services.example_imports import Wishes, start_import
from learning.waking import wake_for_job
from organizations.errors import Forbidden, Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import need, refusal

SEALED = need("manage", role=Role.MANAGER)
FILES = {(200, target.media_type): OpenApiTypes.BINARY for target in TARGETS.values()}


class RawFile(BaseParser):
    """A body that is the file itself, whatever it says it is."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        return {"file": iter(lambda: stream.read(65_536), b"")}


class DatasetFileViewSet(DatasetViewSet):
    """The same datasets, as files."""

    permissions = {"GET": need("read", role=Role.MANAGER), "POST": SEALED}
    parser_classes = [MultiPartParser, RawFile]

    @extend_schema(
        summary="Take in a file of examples as a job, or only report what it would store",
        parameters=[shapes.ImportAskSerializer],
        request={"multipart/form-data": shapes.ImportFileSerializer, "application/octet-stream": OpenApiTypes.BINARY},
        responses={202: StartedJobSerializer},
    )
    def take_in(self, request: Any, pk: str) -> Response:
        dataset = self.get_object()
        asked = read_query(shapes.ImportAskSerializer, request)
        name, agent = asked.pop("name", ""), _agent_of(dataset, asked.pop("agent_id", None))
        wishes = Wishes(agent_id=agent, columns=asked.pop("column", {}), **asked)
        wishes.check()
        file = request.data.get("file")
        key = artifact_store.keep_upload(chunks=_chunks(file))
        job = start_import(
            name=storable(name or getattr(file, "name", ""), 200),
            file=key,
            wishes=wishes,
            user=request.auth.user,
            dataset=str(dataset.pk),
        )
        wake_for_job(job)
        return started(job)

    @extend_schema(
        summary="A published version as a file, or pages of its open examples as chats; the test split stays sealed",
        parameters=[shapes.ExportAskSerializer],
        responses={
            (200, "application/json"): ExportedItemSerializer(many=True),
            **FILES,
            304: OpenApiResponse(description="You have it: If-None-Match names the ETag of this export."),
        },
    )
    def export(self, request: Any, pk: str) -> Any:
        asked = read_query(shapes.ExportAskSerializer, request)
        split = asked.get("split", "")
        version = dataset_exports.find_version(dataset=self.get_object(), number=asked.pop("version", None))
        if "format" not in asked:
            if dataset_exports.is_sealed(split):
                raise Refused("The sealed split goes out as a file: name a format.", "split")
            items = version.items.exclude(split=Split.TEST)
            return self.paged(items.filter(split=split) if split else items, ExportedItemSerializer)
        if dataset_exports.is_sealed(split) and (reason := refusal(request.auth, SEALED, None)):
            raise Forbidden(reason, "split")
        return send_export(dataset_exports.open_export(version=version, **asked), request)


def send_export(export: dataset_exports.Export, request: Any) -> HttpResponseBase:
    """The file as a stream, or 304 for a reader who has it."""
    headers = {"ETag": export.tag, "Cache-Control": "private, no-cache"}
    if export.tag in [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]:
        return HttpResponse(status=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    media_type = TARGETS[export.format].media_type
    return StreamingHttpResponse(dataset_exports.stream_export(export), content_type=media_type, headers=headers)


def _agent_of(dataset: TrainingDataset, named: str | None) -> str | None:
    """The agent of all rows: the dataset's own, or the named one. Raises Refused."""
    agent = find_agent(name=named) if named else dataset.agent
    if agent is None:
        return None
    if dataset.agent_id not in (None, agent.pk):
        raise Refused("This dataset is another agent's.", "agent_id")
    return str(agent.pk)


def _chunks(file: Any) -> Iterator[bytes]:
    """Raises Refused when there is no file."""
    if file is None or isinstance(file, str):
        raise Refused("Send the file as the body, or as the part `file` of a form.", "file")
    chunks: Iterator[bytes] = file.chunks() if hasattr(file, "chunks") else file
    return chunks
