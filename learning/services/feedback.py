"""Storing what end users say about answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from learning.models import Agent, AgentFeedback, FeedbackType
from learning.services.agent_directory import resolve_agents, unknown_agent
from learning.services.examples import learn_from_corrections
from learning.services.execution_references import References, look_up_executions
from learning.services.feedback_rules import Rules, current_rules
from learning.services.intake import Outcome, digest_of, insert_rows
from organizations.errors import Conflict, Refused

# Sorted by key, so that two batches with the same keys wait for each other instead of deadlocking.
INSERT = """
INSERT INTO learning_agentfeedback (
  id, organization_id, created_at, updated_at, agent_id, execution_id, execution_external_id, "user", feedback_type,
  rating, accuracy, helpfulness, clarity, completeness, feedback_text, correction_text, issue_categories, consent,
  idempotency_key, digest)
SELECT id, %(organization)s, now(), now(), agent_id, execution_id, execution_external_id, "user", feedback_type,
  rating, accuracy, helpfulness, clarity, completeness, feedback_text, correction_text, issue_categories, consent,
  idempotency_key, digest
FROM json_to_recordset(%(rows)s::json) AS r(
  id uuid, agent_id uuid, execution_id uuid, execution_external_id text, "user" text, feedback_type text,
  rating smallint, accuracy smallint, helpfulness smallint, clarity smallint, completeness smallint,
  feedback_text text, correction_text text, issue_categories text[], consent boolean, idempotency_key text, digest text)
ORDER BY idempotency_key
ON CONFLICT (organization_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id
"""
RATINGS = ("rating", "accuracy", "helpfulness", "clarity", "completeness")
TEXTS = ("feedback_text", "correction_text")
REUSED_KEY = "This key was used before, for another request. Take a new key for each piece of feedback."

Row = dict[str, Any]


def submit_feedback(*, item: Mapping[str, Any], may_register: bool = False) -> Outcome:
    """Store one piece of feedback. Raises Refused or Conflict; see `submit_feedback_batch`."""
    outcome = submit_feedback_batch(items=[item], may_register=may_register)[0]
    outcome.stored_id()
    return outcome


def submit_feedback_batch(*, items: Sequence[Mapping[str, Any]], may_register: bool = False) -> list[Outcome]:
    """Store feedback, each item on its own; the outcomes in the order of the items.

    item: the validated fields of the API. The same `idempotency_key` with the same content is stored once; with another
    content it is a Conflict. A correction makes its learning example in the same transaction. The execution may be
    unknown yet. `may_register`: unknown agents are registered.
    """
    rules = current_rules()
    names = {item["agent_id"] for item in items if item.get("agent_id")}
    agents = resolve_agents(names=names, may_register=may_register)
    executions = look_up_executions(references=_references(items, agents))
    prepared: list[Row | Refused] = []
    for item in items:
        try:
            prepared.append(_prepare(item, rules, agents, executions))
        except Refused as refusal:
            prepared.append(refusal)
    rows = [row for row in prepared if isinstance(row, dict)]
    with transaction.atomic():
        created = insert_rows(INSERT, rows) if rows else set()
        learn_from_corrections(feedback_ids=[row["id"] for row in rows if row["id"] in created and teaches(row)])
    earlier = _stored_earlier([row for row in rows if row["id"] not in created])
    return [_outcome(row, created, earlier) for row in prepared]


def _references(items: Sequence[Mapping[str, Any]], agents: Mapping[str, Agent]) -> list[tuple[UUID | None, str]]:
    """Items whose agent is unknown are refused anyway."""
    pairs = []
    for item in items:
        agent = agents.get(item.get("agent_id", ""))
        if item.get("execution_id") and (agent or not item.get("agent_id")):
            pairs.append((agent.pk if agent else None, item["execution_id"]))
    return pairs


def _prepare(item: Mapping[str, Any], rules: Rules, agents: Mapping[str, Agent], executions: References) -> Row:
    rules.check(item)
    agent_id, execution_id = _target(item, agents, executions)
    ratings = {name: item.get(name) for name in RATINGS}
    texts = {name: item.get(name, "") for name in TEXTS}
    return ratings | texts | {
        "id": uuid7(),
        "agent_id": agent_id,
        "execution_id": execution_id,
        "execution_external_id": item.get("execution_id", ""),
        "user": item.get("user_id", ""),
        "feedback_type": item["feedback_type"],
        "issue_categories": item.get("issue_categories", []),
        "consent": item.get("consent", True),
        "idempotency_key": item.get("idempotency_key"),
        "digest": digest_of({name: value for name, value in item.items() if name != "idempotency_key"}),
    }  # fmt: skip


def _target(item: Mapping[str, Any], agents: Mapping[str, Agent], executions: References) -> tuple[UUID, UUID | None]:
    """The agent, and the execution when it is known already."""
    name, reference = item.get("agent_id"), item.get("execution_id")
    agent = agents.get(name) if name else None
    if name and agent is None:
        raise unknown_agent(name=name)
    known = executions.find(reference=reference, agent_id=agent.pk if agent else None) if reference else None
    if agent is not None:
        return agent.pk, known.id if known else None
    if known is not None:
        return known.agent_id, known.id
    if reference:
        raise Refused(f"Execution {reference!r} is not known yet, so say whose it is by agent_id.", "agent_id")
    raise Refused("Say what this is about: agent_id, execution_id, or both.", "agent_id")


def teaches(item: Mapping[str, Any]) -> bool:
    """A correction whose author agrees that one learns from it."""
    return bool(item["feedback_type"] == FeedbackType.CORRECTION and item.get("consent", True))


def _stored_earlier(rows: Sequence[Row]) -> dict[str, tuple[UUID, str]]:
    """The rows that were there first. A new statement, so it sees what a concurrent request has committed meanwhile."""
    keys = [row["idempotency_key"] for row in rows]
    if not keys:
        return {}
    stored = AgentFeedback.objects.filter(idempotency_key__in=keys).values_list("idempotency_key", "id", "digest")
    return {key: (row_id, digest) for key, row_id, digest in stored if key}


def _outcome(row: Row | Refused, created: set[UUID], earlier: Mapping[str, tuple[UUID, str]]) -> Outcome:
    if isinstance(row, Refused):
        return Outcome(refusal=row)
    if row["id"] in created:
        return Outcome(id=row["id"])
    row_id, digest = earlier[row["idempotency_key"]]
    if digest != row["digest"]:
        return Outcome(refusal=Conflict(REUSED_KEY, "idempotency_key"))
    return Outcome(id=row_id, replayed=True)
