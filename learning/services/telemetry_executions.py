"""The executions that stored spans make up. What is written is a function of the spans of a trace alone, so a trace can
be put together again whenever one of them comes."""

from __future__ import annotations

import json
import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from learning.models import (
    AgentConfig,
    AgentFeedback,
    Decision,
    Execution,
    ExecutionKey,
    LearningExample,
    RetrievalEvent,
    TelemetrySpan,
)
from learning.otlp.assembling import Assembled, Known, assemble
from learning.otlp.reading import from_json
from learning.services.agent_directory import fitting_name, resolve_agents
from learning.services.executions import log_executions
from learning.services.intake import Outcome, digest_of
from organizations.identifiers import as_uuid
from organizations.scope import current_organization_id

log = logging.getLogger(__name__)
SETTLED_AFTER = timedelta(seconds=30)  # a parent that has not come until then will not come
MAX_SPANS_OF_TRACE = 5_000
LOCKS = 16  # for each organization: traces of different locks are put together at the same time
Item = dict[str, Any]
ROW = (
    "input", "output", "user", "context", "status", "duration_ms", "input_tokens", "output_tokens", "cost", "metadata",
    "started_at",
)  # fmt: skip
EMPTY: Item = {
    "input": "", "output": "", "user": "", "context": {}, "status": "completed", "duration_ms": None,
    "input_tokens": None, "output_tokens": None, "cost": None, "metadata": {}, "variant": "", "config_id": None,
}  # fmt: skip

LINK = """
UPDATE learning_telemetryspan t SET execution_id = r.execution_id, is_root = r.is_root, waiting = r.waiting
FROM json_to_recordset(%(rows)s::json) AS r(id uuid, execution_id uuid, is_root boolean, waiting boolean)
WHERE t.organization_id = %(organization)s AND t.id = r.id
"""


@dataclass
class Plan:
    """One execution that is to be written: `existing` are the executions that its spans made up before."""

    trace_id: str
    made: Assembled
    item: Item
    existing: list[UUID]
    written: UUID | None = None


def write_traces(*, trace_ids: Iterable[str]) -> list[str]:
    """Write the executions, decisions and retrievals of these traces; why some could not be written.

    The last of several transactions to take the lock sees what the others have committed.
    """
    wanted = sorted(set(trace_ids))
    if not wanted:
        return []
    _lock(wanted)
    by_trace = _load(wanted)
    now = timezone.now()
    plans: list[Plan] = []
    waiting: set[UUID] = set()
    for trace_id, rows in by_trace.items():
        found, late = _plan(trace_id, rows, now)
        plans += found
        waiting |= late
    problems = _write(plans)
    _link(by_trace, plans, waiting)
    _write_retrievals(plans)
    problems += [problem for plan in plans if (problem := _merge(plan))]
    return problems


def _lock(trace_ids: Sequence[str]) -> None:
    organization = current_organization_id()
    numbers = {zlib.crc32(f"{organization}:{int(trace_id[-4:], 16) % LOCKS}".encode()) for trace_id in trace_ids}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(4318, n::int) FROM unnest(%s::bigint[]) AS n", [
            [number - 2**31 for number in sorted(numbers)]
        ])  # fmt: skip


def _load(trace_ids: Sequence[str]) -> dict[str, list[TelemetrySpan]]:
    by_trace: dict[str, list[TelemetrySpan]] = defaultdict(list)
    for row in TelemetrySpan.objects.filter(trace_id__in=trace_ids).order_by("trace_id", "started", "span_id"):
        if len(by_trace[row.trace_id]) < MAX_SPANS_OF_TRACE:
            by_trace[row.trace_id].append(row)
    return by_trace


def _plan(trace_id: str, rows: Sequence[TelemetrySpan], now: datetime) -> tuple[list[Plan], set[UUID]]:
    by_span = {row.span_id: row for row in rows}
    known = [
        Known(
            span_id=row.span_id,
            parent_id=row.parent_id,
            started=row.started,
            ended=row.ended,
            reading=from_json(row.reading),
            overdue=row.created_at < now - SETTLED_AFTER,
        )
        for row in rows
    ]
    trace = assemble(trace_id, known)
    plans = []
    for made in trace.executions:
        before = [by_span[name] for name in made.members if by_span[name].is_root and by_span[name].execution_id]
        existing = list(dict.fromkeys(row.execution_id for row in before if row.execution_id))
        plans.append(Plan(trace_id, made, _item(made.item), existing))
    return plans, {by_span[name].pk for name in trace.waiting}


def _item(given: Item) -> Item:
    """With the types that the intake has after validation; a config that is no UUID is left out."""
    item = given | {"agent_id": fitting_name(given["agent_id"])}
    if "cost" in item:
        item["cost"] = Decimal(repr(item["cost"])).quantize(Decimal("1e-8"))
    config_id = as_uuid(item.pop("config_id", ""))
    return item | ({"config_id": config_id} if config_id else {})


def _write(plans: Sequence[Plan]) -> list[str]:
    """Those that are named after their trace last, so that a name is free before another execution takes it."""
    problems: list[str] = []
    changed = [plan for plan in plans if plan.existing]
    for plan in sorted(changed, key=lambda plan: plan.item["execution_id"] == plan.trace_id):
        plan.written = plan.existing[0]
        try:
            with transaction.atomic():
                _update(plan)
        except IntegrityError:
            problems.append(f"Execution {plan.item['execution_id']!r} is stored already, with another content.")
    fresh = [plan for plan in plans if not plan.existing]
    for plan, outcome in zip(fresh, _log([plan.item for plan in fresh]), strict=True):
        plan.written = outcome.id
        if outcome.refusal is not None:
            problems.append(outcome.refusal.message)
    return problems


def _log(items: Sequence[Item]) -> list[Outcome]:
    """A config that does not exist is no reason to lose the execution."""
    outcomes = log_executions(items=items, may_register=True) if items else []
    wrong = [n for n, one in enumerate(outcomes) if one.refusal is not None and one.refusal.field == "config_id"]
    if wrong:
        again = [{name: items[n][name] for name in items[n] if name not in ("config_id", "variant")} for n in wrong]
        for number, outcome in zip(wrong, log_executions(items=again, may_register=True), strict=True):
            outcomes[number] = outcome
    return outcomes


def _update(plan: Plan) -> None:
    """Bring an execution up to date with what more of its spans say; nothing when they say nothing new."""
    execution_id, digest = plan.existing[0], digest_of(plan.item)
    key = ExecutionKey.objects.filter(pk=execution_id).first()
    if key is None or key.digest == digest:
        return
    item = EMPTY | {("user" if name == "user_id" else name): value for name, value in plan.item.items()}
    agent = resolve_agents(names=[item["agent_id"]], may_register=True)[item["agent_id"]]
    values = {name: item[name] for name in ROW}
    if AgentConfig.objects.filter(pk=item["config_id"], agent=agent).exists():
        values |= {"config_id": item["config_id"], "variant": item["variant"]}
    now = timezone.now()
    ExecutionKey.objects.filter(pk=execution_id).update(
        agent=agent, external_id=item["execution_id"], digest=digest, updated_at=now
    )
    Execution.objects.filter(pk=execution_id).update(
        agent=agent, external_id=item["execution_id"], updated_at=now, **values
    )
    if key.agent_id != agent.pk:
        _hand_over([execution_id], execution_id, agent.pk)
    Decision.objects.filter(execution_id=execution_id).delete()
    Decision.objects.bulk_create(
        Decision(execution_id=execution_id, position=position, **decision)
        for position, decision in enumerate(item.get("decisions", []))
    )


def _link(by_trace: dict[str, list[TelemetrySpan]], plans: Sequence[Plan], waiting: set[UUID]) -> None:
    """Note what each span became part of."""
    belongs = {
        (plan.trace_id, name): (plan.written, name == plan.made.root)
        for plan in plans
        if plan.written is not None
        for name in plan.made.members
    }
    rows = []
    for span in (span for spans in by_trace.values() for span in spans):
        # What waits for a parent again keeps its execution until the parent takes it over.
        before = span.execution_id, span.is_root
        execution_id, is_root = belongs.get((span.trace_id, span.span_id), before)
        state = (execution_id, is_root, span.pk in waiting)
        if state != (span.execution_id, span.is_root, span.waiting):
            rows.append({"id": span.pk, "execution_id": state[0], "is_root": state[1], "waiting": state[2]})
    if rows:
        with connection.cursor() as cursor:
            given: dict[str, Any] = {"rows": json.dumps(rows, default=str), "organization": current_organization_id()}
            cursor.execute(LINK, given)


def _write_retrievals(plans: Sequence[Plan]) -> None:
    events = [
        RetrievalEvent(
            execution_id=plan.written,
            external_id=f"{plan.trace_id}-{one.span_id}",
            query=one.query,
            documents=[{"id": each.id, "rank": each.rank, "score": each.score} for each in one.documents],
        )
        for plan in plans
        if plan.written is not None
        for one in plan.made.retrievals
    ]
    if events:
        RetrievalEvent.objects.bulk_create(
            events,
            update_conflicts=True,
            unique_fields=["organization", "external_id"],
            update_fields=["execution", "query", "documents", "updated_at"],
        )


def _merge(plan: Plan) -> str:
    """A parent that came very late shows that several executions were one: what people said of them moves to it.

    One that keeps examples stays itself. Why nothing could be moved, in words; empty when it was.
    """
    others = plan.existing[1:]
    if not others or plan.written is None:
        return ""
    try:
        with transaction.atomic():
            agent_id = Execution.objects.values_list("agent_id", flat=True).get(pk=plan.written)
            _hand_over(others, plan.written, agent_id)
            examples = LearningExample.objects.filter(source_execution_id__in=others)
            kept = set(examples.values_list("source_execution_id", flat=True))
            gone = [pk for pk in others if pk not in kept]
            ExecutionKey.objects.filter(pk__in=gone).delete()
            Execution.objects.filter(pk__in=gone).delete()
    except IntegrityError:
        log.warning("Executions %s could not be joined with %s", others, plan.written, exc_info=True)
        return f"Other executions of the trace could not be joined with {plan.item['execution_id']!r}."
    return ""


def _hand_over(executions: Sequence[UUID], execution_id: UUID, agent_id: UUID) -> None:
    """Feedback and examples of these executions become this one's, and this agent's.

    A rule makes one example of an execution: where it made one of several, the oldest moves and the others stay.
    """
    now = timezone.now()
    AgentFeedback.objects.filter(execution_id__in=executions).update(
        execution_id=execution_id, agent_id=agent_id, updated_at=now
    )
    own = LearningExample.objects.filter(source_execution_id=execution_id)
    own.exclude(agent_id=agent_id).update(agent_id=agent_id, updated_at=now)
    taken = set(own.exclude(rule=None).values_list("rule_id", flat=True))
    others = LearningExample.objects.filter(source_execution_id__in=executions).exclude(pk__in=own.values("pk"))
    moving = []
    for pk, rule_id in others.order_by("id").values_list("pk", "rule_id"):
        if rule_id is None or rule_id not in taken:
            moving.append(pk)
            taken.add(rule_id)
    LearningExample.objects.filter(pk__in=moving).update(
        source_execution_id=execution_id, agent_id=agent_id, updated_at=now
    )
