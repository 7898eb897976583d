"""POST /v1/traces: the protocol itself, its limits and its refusals."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from learning.models import Execution, TelemetrySpan
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

PROTOBUF, JSON = "application/x-protobuf", "application/json"
ATTRIBUTES = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "bot", "input.value": "Hi"}


def protobuf(count: int = 1, **values: Any) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        span = spans.add(
            trace_id=values.get("trace_id", (number + 1).to_bytes(16)),
            span_id=values.get("span_id", (number + 1).to_bytes(8)),
            start_time_unix_nano=time.time_ns() - 10**9,
            end_time_unix_nano=time.time_ns(),
            name="run",
        )
        for name, value in ATTRIBUTES.items():
            span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


def as_json(**values: Any) -> dict[str, Any]:
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "name": "run",
        "kind": 1,
        "startTimeUnixNano": str(time.time_ns() - 10**9),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": name, "value": {"stringValue": value}} for name, value in ATTRIBUTES.items()],
        "aFieldOfTheFuture": True,
    }
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span | values]}]}]}


def post(api: Any, body: bytes, content_type: str = PROTOBUF, **headers: str) -> Any:
    return api.generic("POST", "/v1/traces", body, content_type=content_type, headers=headers)


def status_message(content: bytes) -> str:
    """The message of a google.rpc.Status that has nothing else."""
    assert content[0] == 0x12
    start = 2 if content[1] < 128 else 3
    return content[start:].decode()


def test_what_programs_write_for_a_missing_number_costs_no_span(api: Any, organization: Organization) -> None:
    given = ATTRIBUTES | {"output.value": r'{"mean": NaN, "note": "\u0000"}', "metadata": '{"p": Infinity, "q": 1}'}
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in given.items()]
    assert post(api, json.dumps(as_json(attributes=attributes)).encode(), JSON).json() == {}
    with organization_scope(organization.id):
        stored = Execution.objects.get().metadata
    assert (stored["p"], stored["q"]) == (None, 1)


def test_protobuf_is_answered_in_protobuf(api: Any, organization: Organization) -> None:
    answer = post(api, protobuf())
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, PROTOBUF, b"")
    with organization_scope(organization.id):
        assert Execution.objects.get().input == "Hi"


def test_json_is_answered_in_json_and_means_the_same(api: Any, organization: Organization) -> None:
    answer = post(api, json.dumps(as_json()).encode(), JSON)
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, JSON, b"{}")
    with organization_scope(organization.id):
        execution = Execution.objects.get()
        assert (execution.external_id, execution.agent.external_id) == ("5b8efff798038103d269b633813fc60c", "bot")


def test_gzip_is_unpacked(api: Any, organization: Organization) -> None:
    assert post(api, gzip.compress(protobuf()), **{"Content-Encoding": "gzip"}).status_code == 200
    body = gzip.compress(json.dumps(as_json()).encode())
    assert post(api, body, JSON, **{"Content-Encoding": "gzip"}).status_code == 200
    with organization_scope(organization.id):
        assert Execution.objects.count() == 2


def test_an_empty_request_is_fine(api: Any) -> None:
    assert post(api, b"").status_code == 200
    assert post(api, b"{}", JSON).status_code == 200


def test_what_is_left_out_is_told_beside_what_is_stored(api: Any, organization: Organization) -> None:
    answer = post(api, protobuf() + protobuf(2, trace_id=b"short"))
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 2)
    assert told.error_message == "A trace_id has 16 bytes that are not all zero."
    body = as_json() | {"resourceSpans": as_json()["resourceSpans"] + as_json(spanId="0" * 16)["resourceSpans"]}
    told_in_json = post(api, json.dumps(body).encode(), JSON).json()["partialSuccess"]
    assert told_in_json == {"rejectedSpans": "1", "errorMessage": "A span_id has 8 bytes that are not all zero."}
    with organization_scope(organization.id):
        assert TelemetrySpan.objects.count() == 2


def test_too_many_spans_are_left_out_and_counted(api: Any, organization: Organization, monkeypatch: Any) -> None:
    monkeypatch.setattr("learning.services.telemetry.MAX_SPANS", 3)
    told = ExportTraceServiceResponse.FromString(post(api, protobuf(5)).content).partial_success
    assert told.rejected_spans == 2
    with organization_scope(organization.id):
        assert TelemetrySpan.objects.count() == 3


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, {}, 400),
        (b"[]", JSON, {}, 400),
        (b"{", JSON, {}, 400),
        (b"\xff", JSON, {}, 400),
        (b'{"resourceSpans": 7}', JSON, {}, 400),
        (b"[" * 100_000, JSON, {}, 400),
        (json.dumps(as_json(traceId="not hex")).encode(), JSON, {}, 400),
        (json.dumps(as_json(name=7)).encode(), JSON, {}, 400),
        (json.dumps(as_json(name="\ud800")).encode(), JSON, {}, 400),
        (b"no gzip", PROTOBUF, {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(protobuf())[:-9], PROTOBUF, {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(protobuf()) * 2, PROTOBUF, {"Content-Encoding": "gzip"}, 400),
        (b"", PROTOBUF, {"Content-Encoding": "br"}, 200),
        (b"x", PROTOBUF, {"Content-Encoding": "br"}, 415),
        (b"x", "text/plain", {}, 415),
        (b"x" * 5_000_001, PROTOBUF, {}, 413),
        (gzip.compress(b"\x00" * 20_000_001), PROTOBUF, {"Content-Encoding": "gzip"}, 413),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    api: Any, organization: Organization, body: bytes, content_type: str, headers: dict[str, str], status: int
) -> None:
    answer = post(api, body, content_type, **headers)
    assert answer.status_code == status, answer.content
    if status != 200 and content_type == PROTOBUF:
        assert answer["Content-Type"] == PROTOBUF
        assert len(status_message(answer.content)) > 10
    elif status != 200:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["message"] == answer.json()["detail"]
    with organization_scope(organization.id):
        assert not TelemetrySpan.objects.exists()


def test_a_bomb_is_never_unpacked_as_a_whole(api: Any) -> None:
    bomb = gzip.compress(b"\x00" * 100_000_000)
    tracemalloc.start()
    answer = post(api, bomb, **{"Content-Encoding": "gzip"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 60_000_000


def test_only_a_secret_key_may_send_spans(
    api: Any, organization: Organization, anonymous_api: Any, sign_in: Any
) -> None:
    publishable = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE, scopes=["ingest"]))
    reading = api_with(factories.make_key(organization, scopes=["read"]))
    unknown = api_with("sk_unknown")
    got = [
        post(one, protobuf()).status_code for one in (anonymous_api, unknown, publishable, reading, sign_in("admin"))
    ]
    assert got == [401, 401, 403, 403, 403]
    refused = post(publishable, protobuf())
    assert "secret key" in status_message(refused.content)
    assert api.get("/v1/traces").status_code == 405
    with organization_scope(organization.id):
        assert not TelemetrySpan.objects.exists()


def test_too_many_requests_are_told_to_wait(api: Any, settings: Any) -> None:
    settings.INTAKE_RATE_PER_MINUTE = 1
    answers = [post(api, protobuf()) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1]["Content-Type"] == PROTOBUF


def test_what_cannot_be_stored_in_a_text_is_replaced(api: Any, organization: Organization) -> None:
    attributes = [{"key": "openinference.span.kind", "value": {"stringValue": "AGENT"}}]
    attributes += [{"key": "input.value", "value": {"stringValue": "a\x00b"}}]
    attributes += [{"key": "user.id", "value": {"stringValue": "\x00"}}]
    assert post(api, json.dumps(as_json(attributes=attributes)).encode(), JSON).status_code == 200
    with organization_scope(organization.id):
        assert Execution.objects.get().input == "a\ufffdb"


def test_deep_values_and_strange_kinds_are_taken(api: Any, organization: Organization) -> None:
    value: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(30):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    attributes = [{"key": "openinference.span.kind", "value": {"stringValue": "AGENT"}}]
    for name in ("input.value", "output.value", "metadata", "gen_ai.input.messages", "retrieval.documents"):
        attributes.append({"key": name, "value": value})
    attributes += [
        {"key": "gen_ai.usage.input_tokens", "value": {"doubleValue": "NaN"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "-9223372036854775808"}},
        {"key": "gen_ai.usage.cost", "value": {"stringValue": "free"}},
        {"key": "llm.input_messages.99999999999999999999.message.role", "value": {"stringValue": "user"}},
        {"key": "llm.input_messages.0", "value": {"stringValue": "no object"}},
        {"key": "llm.input_messages.0.message", "value": {"arrayValue": {"values": [{}, {"boolValue": True}]}}},
        {"key": "agent.name", "value": {"bytesValue": "AAAA"}},
    ]
    assert post(api, json.dumps(as_json(attributes=attributes)).encode(), JSON).status_code == 200
    with organization_scope(organization.id):
        execution = Execution.objects.get()
        assert (execution.input_tokens, execution.output_tokens, execution.cost) == (None, None, None)
