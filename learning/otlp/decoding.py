"""OTLP requests, protobuf or JSON, as spans. Whatever comes in is bounded here."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from learning.otlp.spans import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_EVENTS,
    Attributes,
    Event,
    Received,
    Span,
    Undecodable,
    storable,
)

IDS = ("traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id")


def decode_protobuf(content: bytes) -> Received:
    """Raises Undecodable."""
    try:
        return _received(ExportTraceServiceRequest.FromString(content))
    except DecodeError as error:
        raise Undecodable(f"The body is not an ExportTraceServiceRequest in protobuf: {error}") from error


def decode_json(content: bytes) -> Received:
    """OTLP's JSON has its ids in hex, where protobuf's own would be base64. Raises Undecodable."""
    try:
        document = json.loads(content.decode() or "{}")
        if not isinstance(document, dict):
            raise Undecodable("The body is not a JSON object.")
        _hex_to_base64(document)
        return _received(ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=True))
    except (ParseError, ValueError, TypeError, RecursionError) as error:
        raise Undecodable(f"The body is not an ExportTraceServiceRequest in JSON: {error}"[:500]) from error


def _hex_to_base64(document: dict[str, Any]) -> None:
    for resource in _objects(document, "resourceSpans", "resource_spans"):
        for scope in _objects(resource, "scopeSpans", "scope_spans"):
            for span in _objects(scope, "spans"):
                for holder in (span, *_objects(span, "links")):
                    for name in IDS:
                        if isinstance(holder.get(name), str):
                            holder[name] = _base64(holder[name])


def _objects(holder: dict[str, Any], *names: str) -> Iterator[dict[str, Any]]:
    for name in names:
        listed = holder.get(name)
        yield from (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _base64(text: str) -> str:
    try:
        return base64.b64encode(binascii.unhexlify(text)).decode()
    except (binascii.Error, ValueError) as error:
        raise Undecodable(f"{text[:40]!r} is not an id in hex.") from error


def _received(request: Any) -> Received:
    spans: list[Span] = []
    rejected: list[str] = []
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for given in scope_spans.spans:
                problem = _problem(given)
                if problem:
                    rejected.append(problem)
                else:
                    spans.append(_span(given, resource))
    return Received(spans, rejected)


def _problem(given: trace_pb2.Span) -> str:
    if len(given.trace_id) != 16 or not any(given.trace_id):
        return "A trace_id has 16 bytes that are not all zero."
    if len(given.span_id) != 8 or not any(given.span_id):
        return "A span_id has 8 bytes that are not all zero."
    if len(given.parent_span_id) not in (0, 8):
        return "A parent_span_id has 8 bytes, or none."
    if not given.start_time_unix_nano:
        return "A span needs its start_time_unix_nano."
    return ""


def _span(given: trace_pb2.Span, resource: Attributes) -> Span:
    parent = given.parent_span_id if any(given.parent_span_id) else b""
    return Span(
        trace_id=given.trace_id.hex(),
        span_id=given.span_id.hex(),
        parent_id=parent.hex(),
        name=storable(given.name)[:200],
        started=given.start_time_unix_nano,
        ended=given.end_time_unix_nano,
        attributes=_attributes(given.attributes),
        events=tuple(
            Event(storable(one.name)[:200], _attributes(one.attributes)) for one in list(given.events)[:MAX_EVENTS]
        ),
        failed=given.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        problem=storable(given.status.message),
        resource=resource,
    )


def _attributes(given: Iterable[KeyValue]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        if len(found) >= MAX_ATTRIBUTES:
            break
        found[storable(one.key)[:200]] = _value(one.value)
    return found


def _value(given: AnyValue, depth: int = 0) -> Any:
    kind = given.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    value: Any = getattr(given, kind)
    if kind == "string_value":
        return storable(value)
    if kind == "double_value":
        return value if math.isfinite(value) else None
    if kind == "bytes_value":
        return base64.b64encode(value[:10_000]).decode()
    if kind == "array_value":
        return [_value(one, depth + 1) for one in list(value.values)[:MAX_ATTRIBUTES]]
    if kind == "kvlist_value":
        return {storable(one.key)[:200]: _value(one.value, depth + 1) for one in list(value.values)[:MAX_ATTRIBUTES]}
    return value
