"""`manage.py bench_feedback_statistics`: statistics of feedback by the API, against the exact query over all rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
from rest_framework.test import APIClient

from learning.models import Agent
from learning.rollup_tasks import catch_up
from learning.services.reading_plan import Span
from organizations.keys import create_api_key
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report, own_cluster, quantile
from project.slow_statistics import count_issues, count_rows, make_feedback

AGENTS, DAYS, CHUNK = 10, 90, 500_000
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000, 10_000_000), (10_000, 100_000)
ENDPOINTS = ("stats", "issues", "analytics")
# What a load of ten million rows need not wait for in a database that is thrown away. No row is read differently.
UNHINDERED = """
DO $$ DECLARE k record; BEGIN
  ALTER TABLE learning_agentfeedback DISABLE TRIGGER feedback_stored_late;
  FOR k IN SELECT conname FROM pg_constraint WHERE conrelid = 'learning_agentfeedback'::regclass AND contype = 'f'
    AND conparentid = 0 LOOP
    EXECUTE format('ALTER TABLE learning_agentfeedback DROP CONSTRAINT %I', k.conname);
  END LOOP;
END $$
"""


@dataclass
class Stand:
    """One organization with so many rows, and what was measured on it, in seconds."""

    organization_id: UUID
    agents: list[UUID]
    client: APIClient
    span: Span
    rows: int
    summing: float = 0
    fast: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ENDPOINTS})
    slow: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ENDPOINTS})
    different: int = 0


class Command(BenchCommand):
    help = "Statistics of feedback by the API, against the exact query over all rows."

    def measure(self, quick: bool) -> Report:
        as_owner(UNHINDERED)
        stands = [self._fill(rows) for rows in (QUICK_SIZES if quick else SIZES)]
        as_owner("VACUUM ANALYZE")
        for stand in stands:
            started = time.perf_counter()
            catch_up(stand.organization_id, most=10_000)
            stand.summing = time.perf_counter() - started
        as_owner("VACUUM ANALYZE")
        for turn in range(2 if quick else 20):
            for stand in stands:
                take_turn(stand, turn)
        return report(stands)

    def _fill(self, rows: int) -> Stand:
        now = datetime.now(UTC)
        organization = create_organization(name=f"Bench {rows}", slug=f"bench-{rows}")
        span = Span(now - timedelta(days=DAYS), now)
        step = (span.end - span.start) / rows
        with organization_scope(organization.id):
            agents = [Agent.objects.create(external_id=f"agent-{n}", name=f"Agent {n}").pk for n in range(AGENTS)]
            key = create_api_key(name="bench")[1]
        for first in range(0, rows, CHUNK):
            count = min(CHUNK, rows - first)
            part = Span(span.start + first * step, span.start + (first + count) * step)
            with organization_scope(organization.id):
                make_feedback(agents=agents, span=part, count=count, first=first, seed=str(rows))
        client = APIClient(HTTP_HOST="127.0.0.1")
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return Stand(organization.id, agents, client, span, rows)


def take_turn(stand: Stand, turn: int) -> None:
    """Each endpoint for spans of different lengths, of one agent and of all, and in turn with it the slow query."""
    for days, number in product((7, 30, DAYS - 1), (None, turn % AGENTS)):
        span = Span(stand.span.end - timedelta(days=days), stand.span.end)
        slow_too = stand.rows <= 100_000 or (turn < 3 and days == 30)
        for name in ENDPOINTS:
            found = timed(stand.fast[name], partial(ask, stand, name, span, number))
            if slow_too:
                exact = timed(stand.slow[name], partial(count_slowly, stand, name, span, number))
                stand.different += found != exact


def ask(stand: Stand, name: str, span: Span, number: int | None) -> Any:
    query = {"from": span.start.isoformat(), "to": span.end.isoformat()}
    if number is not None:
        query["agent_id"] = f"agent-{number}"
    response = stand.client.get(f"/api/learning/feedback/{name}", query)
    if response.status_code != 200:
        raise RuntimeError(f"{response.status_code}: {response.content[:500]!r}")
    answer = response.json()
    if name == "stats":
        return answer["total_feedback"], answer["rated_count"], answer["feedback_by_type"]["correction"]
    if name == "issues":
        return {row["category"]: row["count"] for row in answer["issues"]}
    return [row["total_feedback"] for row in answer["buckets"] if row["total_feedback"]]


def count_slowly(stand: Stand, name: str, span: Span, number: int | None) -> Any:
    agent_id = None if number is None else stand.agents[number]
    with organization_scope(stand.organization_id):
        if name == "issues":
            return {key: row["total"] for key, row in count_issues(span=span, agent_id=agent_id).items()}
        rows = count_rows(span=span, agent_id=agent_id, bucket="day" if name == "analytics" else "")
    if name == "analytics":
        return [row["total"] for _, row in sorted(rows.items(), key=lambda item: str(item[0]))]
    return rows[None]["total"], rows[None]["rated"], rows[None]["correction"]


def timed(times: list[float], work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    found = work()
    times.append(time.perf_counter() - started)
    return found


def report(stands: list[Stand]) -> Report:
    rows: list[tuple[str, ...]] = [("rows, endpoint", "p50 ms", "p95 ms", "exact query p50 ms", "of it")]
    figures: dict[str, float | int | str | None] = {}
    for stand in stands:
        for name in ENDPOINTS:
            fast, slow = stand.fast[name], stand.slow[name]
            p50, p95, exact = quantile(fast, 0.5) * 1000, quantile(fast, 0.95) * 1000, quantile(slow, 0.5) * 1000
            rows.append((f"{stand.rows:,} {name}", f"{p50:.1f}", f"{p95:.1f}", f"{exact:.0f}", f"{p50 / exact:.4f}"))
            for key, value in (("p50_ms", p50), ("p95_ms", p95), ("exact_p50_ms", exact)):
                figures[f"{name}_{key}_{stand.rows}"] = round(value, 2)
        figures[f"sum_up_rows_per_s_{stand.rows}"] = round(stand.rows / stand.summing)
    most = stands[-1]
    figures |= {f"{name}_p95_ms": figures[f"{name}_p95_ms_{most.rows}"] for name in ENDPOINTS}
    figures |= {"rows": most.rows, "different_answers": sum(stand.different for stand in stands)}
    figures["compared_answers"] = sum(len(times) for stand in stands for times in stand.slow.values())
    return Report(
        title=f"Statistics of feedback: {AGENTS} agents, {DAYS} days, spans of 7, 30 and {DAYS - 1} days",
        rows=rows,
        figures=figures,
        notes=[
            f"{figures['different_answers']} of {figures['compared_answers']} answers differ from the exact query.",
            f"Summing up: {figures[f'sum_up_rows_per_s_{most.rows}']:,} rows per second, once.",
            "By the view in this process, without a web server between; stats and issues read the span before too.",
        ],
    )


def as_owner(statement: str) -> None:
    with psycopg.connect(own_cluster().database_url("owner"), autocommit=True) as owner:
        owner.execute(statement)
