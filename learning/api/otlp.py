"""POST /v1/traces: OpenTelemetry's own protocol (OTLP over HTTP), protobuf or JSON, so that an application which is
instrumented already needs no code of ours. Answers are in the encoding of the request, as the protocol wants."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, ParseError, PermissionDenied, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from learning.otlp.spans import Received, Undecodable
from learning.services.telemetry import Taken, take_spans
from organizations.api import OrganizationAPIView
from organizations.permissions import need
from organizations.throttles import IntakeThrottle

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MAX_BODY = 5_000_000  # bytes on the wire
MAX_INFLATED = 20_000_000  # bytes after gzip


class TooLarge(APIException):
    status_code = 413
    default_detail = (
        f"The body is larger than {MAX_BODY:,} bytes, or than {MAX_INFLATED:,} when unpacked. Send fewer spans at once."
    )


class ProtobufParser(BaseParser):
    """Gives what was Received. Raises TooLarge, ParseError; UnsupportedMediaType for another compression than gzip."""

    media_type = PROTOBUF

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            content = stream.read(MAX_BODY + 1)
        except RequestDataTooBig as error:
            raise TooLarge from error
        if len(content) > MAX_BODY:
            raise TooLarge
        try:
            return self.decode(_inflated(content, stream.headers.get("Content-Encoding", "identity").strip().lower()))
        except Undecodable as error:
            raise ParseError(str(error)) from error

    def decode(self, content: bytes) -> Received:
        """Raises Undecodable."""
        from learning.otlp.decoding import decode_protobuf  # protobuf: see docs/decisions/0011

        return decode_protobuf(content)


class JsonParser(ProtobufParser):
    media_type = JSON

    def decode(self, content: bytes) -> Received:
        """Raises Undecodable."""
        from learning.otlp.decoding import decode_json

        return decode_json(content)


@extend_schema(exclude=True)  # OTLP has a description of its own, and protobuf fits no OpenAPI document
class TracesView(OrganizationAPIView):
    """Takes the spans of agents from any OpenTelemetry SDK or collector."""

    permissions = {"POST": need("ingest")}
    throttle_classes = [IntakeThrottle]
    parser_classes = [ProtobufParser, JsonParser]

    def post(self, request: Any) -> HttpResponse:
        if request.auth.api_key_id is None or request.auth.publishable:
            raise PermissionDenied("Spans are sent with a secret key (sk_...): they hold what your users wrote.")
        received: Received = request.data or Received((), ())  # no body is an empty request in protobuf
        taken = take_spans(spans=received.spans)
        rejected = [*received.rejected, *taken.rejected]
        return _answer(request.content_type, Taken(rejected, taken.warnings))

    def perform_content_negotiation(self, request: Any, force: bool = False) -> Any:
        """Whatever the client accepts: the protocol says that it takes the encoding that it sends."""
        return JSONRenderer(), JSON

    def handle_exception(self, exc: Exception) -> Any:
        """The problem document of every endpoint, with the `message` of a google.rpc.Status; in protobuf only that."""
        response = super().handle_exception(exc)
        detail = str(response.data["detail"])
        if not _is_protobuf(self.request.content_type):
            response.data["message"] = detail
            return response
        answer = HttpResponse(_status(detail), status=response.status_code, content_type=PROTOBUF)
        for name in ("Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                answer[name] = response.headers[name]
        return answer


def _is_protobuf(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == PROTOBUF


def _inflated(content: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return content
    if encoding != "gzip":
        raise UnsupportedMediaType(encoding, "The body may be compressed by gzip, and by nothing else.")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(content, MAX_INFLATED + 1)  # never more than that in memory
    except zlib.error as error:
        raise ParseError(f"The body is not gzip: {error}") from error
    if len(unpacked) > MAX_INFLATED:
        raise TooLarge
    if not unpacker.eof:
        raise ParseError("The body is not complete gzip.")
    if unpacker.unused_data:
        raise ParseError("Something follows the gzip of the body, which would be lost.")
    return unpacked


def _answer(content_type: str | None, taken: Taken) -> HttpResponse:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    answer = ExportTraceServiceResponse()
    message = _told([*taken.rejected, *taken.warnings])
    if message:
        answer.partial_success.rejected_spans = len(taken.rejected)
        answer.partial_success.error_message = message
    if _is_protobuf(content_type):
        return HttpResponse(answer.SerializeToString(), content_type=PROTOBUF)
    told = {"rejectedSpans": str(len(taken.rejected)), "errorMessage": message}
    return HttpResponse(json.dumps({"partialSuccess": told} if message else {}), content_type=JSON)


def _told(problems: Sequence[str]) -> str:
    """Each text once, a few of them."""
    return " ".join(list(dict.fromkeys(problems))[:5])


def _status(message: str) -> bytes:
    """google.rpc.Status with its `message` (field 2, a text): a tag, the length, the text."""
    text = message.encode()[:10_000]
    length, size = bytearray(), len(text)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return b"\x12" + bytes([*length, size]) + text
