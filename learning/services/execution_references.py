"""Which execution a caller means: by the caller's identifier or ours, with or without naming the agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from learning.models import Execution, ExecutionKey
from organizations.errors import Refused
from organizations.identifiers import as_uuid


@dataclass(frozen=True)
class KnownExecution:
    """An execution that is stored, and the agent that ran it."""

    id: UUID
    agent_id: UUID
    external_id: str


@dataclass
class References:
    """The executions among those that were asked for."""

    by_agent: dict[tuple[UUID, str], KnownExecution] = field(default_factory=dict)
    by_name: dict[str, list[KnownExecution]] = field(default_factory=dict)
    by_id: dict[UUID, KnownExecution] = field(default_factory=dict)

    def find(self, *, reference: str, agent_id: UUID | None) -> KnownExecution | None:
        """The execution, None when it is not known yet.

        Raises Refused when it is another agent's, or when several agents have one of this name and none is named.
        """
        if agent_id is not None and (agent_id, reference) in self.by_agent:
            return self.by_agent[agent_id, reference]
        if agent_id is None:
            named = self.by_name.get(reference, [])
            if len(named) > 1:
                raise Refused(f"Several agents have an execution {reference!r}; say which by agent_id.", "agent_id")
            if named:
                return named[0]
        uuid = as_uuid(reference)
        known = self.by_id.get(uuid) if uuid else None
        if known and agent_id not in (None, known.agent_id):
            raise Refused(f"Execution {reference} belongs to another agent.", "execution_id")
        return known


def look_up_executions(*, references: Iterable[tuple[UUID | None, str]]) -> References:
    """Pairs of (agent, execution_id); at most three queries, however many pairs."""
    pairs = list(references)
    found = References()
    named = [(agent_id, name) for agent_id, name in pairs if agent_id is not None]
    if named:
        keys = ExecutionKey.objects.filter(
            agent_id__in={agent_id for agent_id, _ in named}, external_id__in={name for _, name in named}
        )
        for key in _known(keys.values_list("id", "agent_id", "external_id")):
            found.by_agent[key.agent_id, key.external_id] = key
    unnamed = {name for agent_id, name in pairs if agent_id is None}
    if unnamed:
        rows = Execution.objects.filter(external_id__in=unnamed).values_list("id", "agent_id", "external_id")
        for row in _known(rows):
            found.by_name.setdefault(row.external_id, []).append(row)
    ids = {uuid for _, name in pairs if (uuid := as_uuid(name))}
    if ids:
        keys = ExecutionKey.objects.filter(pk__in=ids)
        found.by_id = {key.id: key for key in _known(keys.values_list("id", "agent_id", "external_id"))}
    return found


def _known(rows: Iterable[tuple[UUID, UUID, str]]) -> Iterable[KnownExecution]:
    return (KnownExecution(*row) for row in rows)
