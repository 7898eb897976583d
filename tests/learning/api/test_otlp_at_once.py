"""Requests of one trace that come at the same moment: the last to commit has seen all of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from learning.models import Decision, Execution, TelemetrySpan
from learning.otlp.decoding import decode_protobuf
from learning.services.telemetry import take_spans
from organizations.scope import organization_scope
from tests import factories

TRACES, CHILDREN = 6, 5
NOW = time.time_ns() - 10**10


def request(trace: int, *spans: int) -> bytes:
    message = ExportTraceServiceRequest()
    listed = message.resource_spans.add().scope_spans.add().spans
    for number in spans:
        span = listed.add(
            trace_id=trace.to_bytes(16),
            span_id=number.to_bytes(8),
            parent_span_id=b"" if number == 1 else (1).to_bytes(8),
            start_time_unix_nano=NOW + number,
            end_time_unix_nano=NOW + 10**9,
        )
        kind = "invoke_agent" if number == 1 else "execute_tool"
        for name, value in (
            ("gen_ai.operation.name", kind),
            ("gen_ai.agent.name", "bot"),
            ("gen_ai.tool.name", f"t{number}"),
        ):
            span.attributes.add(key=name).value.string_value = value
    return message.SerializeToString()


@pytest.mark.django_db(transaction=True)
def test_no_span_is_lost_and_none_counts_twice(live_server: Any) -> None:
    organization = factories.make_organization()
    headers = {
        "Authorization": f"Bearer {factories.make_key(organization)}",
        "Content-Type": "application/x-protobuf",
    }
    bodies = [request(trace, number) for number in range(1, CHILDREN + 2) for trace in range(1, TRACES + 1)] * 2

    def send(body: bytes) -> int:
        return httpx.post(f"{live_server.url}/v1/traces", content=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, bodies)) == {200}
    with organization_scope(organization.id):
        assert Execution.objects.count() == TRACES
        assert TelemetrySpan.objects.count() == TRACES * (CHILDREN + 1)
        for execution in Execution.objects.all():
            points = Decision.objects.filter(execution=execution).order_by("position")
            assert list(points.values_list("decision_point", flat=True)) == [f"t{n}" for n in range(2, CHILDREN + 2)]


@pytest.mark.django_db(transaction=True)
def test_a_request_waits_for_another_one_of_its_trace_and_then_sees_its_spans() -> None:
    organization = factories.make_organization()

    def take(number: int) -> None:
        with organization_scope(organization.id):
            take_spans(spans=decode_protobuf(request(1, number)).spans)

    def in_a_thread() -> None:
        try:
            take(2)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with organization_scope(organization.id):
            take_spans(spans=decode_protobuf(request(1, 1)).spans)
            other = pool.submit(in_a_thread)
            time.sleep(1)
            waited = not other.done()
        other.result(30)
    assert waited
    with organization_scope(organization.id):
        assert Decision.objects.get().decision_point == "t2"
