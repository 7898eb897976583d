"""Spans of OpenTelemetry as they come in: each is stored once, and the traces that they change are written again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from learning.models import TelemetrySpan
from learning.otlp.reading import read_span, to_json
from learning.otlp.spans import Span
from learning.services.telemetry_executions import SETTLED_AFTER, write_traces
from organizations.scope import current_organization_id

MAX_SPANS = 5_000  # of one request
KEPT_FOR = timedelta(days=1)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
MAX_TRACES_SWEPT = 500
NANOSECONDS = 1_000_000_000

# Which version of a span wins depends on the two versions alone, never on which of them came first. Sorted, so that two
# requests with the same spans wait for each other instead of deadlocking.
UPSERT = """
INSERT INTO learning_telemetryspan AS t (id, organization_id, created_at, updated_at, trace_id, span_id, parent_id,
  started, ended, digest, reading, waiting, is_root)
SELECT id, %(organization)s, now(), now(), trace_id, span_id, parent_id, started, ended, digest, reading, false, false
FROM json_to_recordset(%(rows)s::json) AS r(id uuid, trace_id text, span_id text, parent_id text, started bigint,
  ended bigint, digest text, reading jsonb)
ORDER BY trace_id, span_id
ON CONFLICT (organization_id, trace_id, span_id) DO UPDATE SET parent_id = EXCLUDED.parent_id, updated_at = now(),
  started = EXCLUDED.started, ended = EXCLUDED.ended, digest = EXCLUDED.digest, reading = EXCLUDED.reading
WHERE (EXCLUDED.ended, EXCLUDED.digest COLLATE "C") > (t.ended, t.digest COLLATE "C")
RETURNING trace_id
"""


@dataclass(frozen=True)
class Taken:
    """Why spans were left out, one text for each; and what else went wrong, though all the other spans are stored."""

    rejected: Sequence[str]
    warnings: Sequence[str]


def take_spans(*, spans: Sequence[Span]) -> Taken:
    """Store spans and write the executions that they make up.

    The same spans again, in whatever order and however split, leave the same rows. An unknown agent is registered.
    """
    now = timezone.now()
    problems = [f"A request holds at most {MAX_SPANS:,} spans."] * max(0, len(spans) - MAX_SPANS)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for span in spans[:MAX_SPANS]:
        if not EARLIEST.timestamp() <= span.started / NANOSECONDS <= (now + CLOCK_SKEW).timestamp():
            problems.append(f"Span {span.span_id} must start between the year 2000 and tomorrow.")
            continue
        row = _row(span)
        there = rows.get((span.trace_id, span.span_id))
        if there is None or (row["ended"], row["digest"]) > (there["ended"], there["digest"]):
            rows[span.trace_id, span.span_id] = row
    changed = _store(list(rows.values()))
    return Taken(problems, write_traces(trace_ids=changed))


def write_overdue_traces() -> int:
    """Executions whose parent span did not come in time; how many traces were looked at. Called by beat."""
    until = timezone.now() - SETTLED_AFTER
    overdue = TelemetrySpan.objects.filter(waiting=True, created_at__lt=until)
    trace_ids = list(overdue.order_by("trace_id").values_list("trace_id", flat=True).distinct()[:MAX_TRACES_SWEPT])
    write_traces(trace_ids=trace_ids)
    return len(trace_ids)


def forget_spans() -> int:
    """Remove the spans that no more can be expected of; how many. Their executions stay. Called by beat."""
    return TelemetrySpan.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _row(span: Span) -> dict[str, Any]:
    reading = to_json(read_span(span))
    told = json.dumps([span.parent_id, span.started, reading], sort_keys=True, default=str)
    return {
        "id": uuid7(),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "started": span.started,
        "ended": min(span.ended, 2**63 - 1),
        "digest": hashlib.sha256(told.encode()).hexdigest(),
        "reading": reading,
    }


def _store(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The traces in which anything is new."""
    if not rows:
        return []
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"rows": json.dumps(rows, default=str), "organization": current_organization_id()}
        cursor.execute(UPSERT, given)
        return sorted({row[0] for row in cursor.fetchall()})
