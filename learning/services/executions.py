"""Storing what applications report about the runs of their agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from learning.models import Agent, AgentConfig, Decision, ExecutionKey
from learning.services.agent_directory import resolve_agents, unknown_agent
from learning.services.early_feedback import join_early_feedback
from learning.services.intake import Outcome, digest_of, insert_rows
from organizations.errors import Conflict, Refused

# The key and the execution in one statement: the key decides who is first, on all partitions and under concurrency.
# Sorted, so that two batches with the same items wait for each other instead of deadlocking.
INSERT = """
WITH given AS (
  SELECT * FROM json_to_recordset(%(rows)s::json) AS r(
    id uuid, agent_id uuid, external_id text, digest text, config_id uuid, variant text, "user" text, input text,
    context jsonb, output text, status text, duration_ms float8, input_tokens int, output_tokens int, cost numeric,
    confidence float8, metadata jsonb, started_at timestamptz)
), fresh AS (
  INSERT INTO learning_executionkey (id, organization_id, created_at, updated_at, agent_id, external_id, digest)
  SELECT id, %(organization)s, now(), now(), agent_id, external_id, digest FROM given ORDER BY agent_id, external_id
  ON CONFLICT (organization_id, agent_id, external_id) DO NOTHING
  RETURNING id
)
INSERT INTO learning_execution (
  id, organization_id, created_at, updated_at, agent_id, external_id, config_id, variant, "user", input, context,
  output, status, duration_ms, input_tokens, output_tokens, cost, confidence, metadata, started_at)
SELECT id, %(organization)s, now(), now(), agent_id, external_id, config_id, variant, "user", input, context,
  output, status, duration_ms, input_tokens, output_tokens, cost, confidence, metadata, started_at
FROM given JOIN fresh USING (id)
RETURNING id
"""
OPTIONAL_NUMBERS = ("duration_ms", "input_tokens", "output_tokens", "cost", "confidence")

Row = dict[str, Any]


def log_execution(*, item: Mapping[str, Any], may_register: bool = False) -> Outcome:
    """Store one execution. Raises Refused or Conflict; see `log_executions`."""
    outcome = log_executions(items=[item], may_register=may_register)[0]
    outcome.stored_id()
    return outcome


def log_executions(*, items: Sequence[Mapping[str, Any]], may_register: bool = False) -> list[Outcome]:
    """Store executions, each on its own; the outcomes in the order of the items.

    item: the validated fields of the API. The same `execution_id` of the same agent with the same content is stored
    once; with another content it is a Conflict. `may_register`: unknown agents are registered.
    """
    agents = resolve_agents(names={item["agent_id"] for item in items}, may_register=may_register)
    configs = _agents_of_configs(items)
    prepared: list[Row | Refused] = []
    for item in items:
        try:
            prepared.append(_prepare(item, agents, configs))
        except Refused as refusal:
            prepared.append(refusal)
    rows = [row for row in prepared if isinstance(row, dict)]
    created = insert_rows(INSERT, rows) if rows else set()
    _store_decisions(created, items, prepared)
    if created:
        join_early_feedback(execution_ids=sorted(created))
    earlier = _stored_earlier([row for row in rows if row["id"] not in created])
    return [_outcome(row, created, earlier) for row in prepared]


def _prepare(item: Mapping[str, Any], agents: Mapping[str, Agent], configs: Mapping[UUID, UUID]) -> Row:
    agent = agents.get(item["agent_id"])
    if agent is None:
        raise unknown_agent(name=item["agent_id"])
    config_id = item.get("config_id")
    if config_id is not None and configs.get(config_id) != agent.pk:
        raise Refused(f"Agent {agent.external_id!r} has no config {config_id}.", "config_id")
    row_id = uuid7()
    texts = {name: item.get(name, "") for name in ("input", "output", "variant")}
    numbers = {name: item.get(name) for name in OPTIONAL_NUMBERS}
    return texts | numbers | {
        "id": row_id,
        "agent_id": agent.pk,
        "external_id": item.get("execution_id") or str(row_id),
        "digest": digest_of(item),
        "config_id": config_id,
        "user": item.get("user_id", ""),
        "context": item.get("context", {}),
        "metadata": item.get("metadata", {}),
        "status": item.get("status", "completed"),
        "started_at": item.get("started_at") or timezone.now(),
    }  # fmt: skip


def _agents_of_configs(items: Sequence[Mapping[str, Any]]) -> dict[UUID, UUID]:
    ids = {item["config_id"] for item in items if item.get("config_id")}
    return dict(AgentConfig.objects.filter(pk__in=ids).values_list("pk", "agent_id")) if ids else {}


def _store_decisions(created: set[UUID], items: Sequence[Mapping[str, Any]], prepared: Sequence[Row | Refused]) -> None:
    decisions = [
        Decision(execution_id=row["id"], position=position, **decision)
        for item, row in zip(items, prepared, strict=True)
        if isinstance(row, dict) and row["id"] in created
        for position, decision in enumerate(item.get("decisions", []))
    ]
    if decisions:
        Decision.objects.bulk_create(decisions)


def _stored_earlier(rows: Sequence[Row]) -> dict[tuple[UUID, str], ExecutionKey]:
    """The keys that were there first. A new statement, so it sees what a concurrent request has committed meanwhile."""
    if not rows:
        return {}
    keys = ExecutionKey.objects.filter(
        agent_id__in={row["agent_id"] for row in rows}, external_id__in={row["external_id"] for row in rows}
    )
    return {(key.agent_id, key.external_id): key for key in keys}


def _outcome(row: Row | Refused, created: set[UUID], earlier: Mapping[tuple[UUID, str], ExecutionKey]) -> Outcome:
    if isinstance(row, Refused):
        return Outcome(refusal=row)
    if row["id"] in created:
        return Outcome(id=row["id"])
    key = earlier[row["agent_id"], row["external_id"]]
    if key.digest != row["digest"]:
        message = f"Execution {key.external_id!r} is stored already, with another content."
        return Outcome(refusal=Conflict(message, "execution_id"))
    return Outcome(id=key.pk, replayed=True)
