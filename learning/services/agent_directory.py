"""Which agents there are: found by the application's own name or by our id, and registered on first sight."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from learning.models import Agent
from organizations import audit
from organizations.errors import Conflict, Missing, Refused
from organizations.identifiers import as_uuid, find_by_any_id

# The name is one part of an address: a slash would end it, and a dot or two are taken out on the way.
NO_PART_OF_AN_ADDRESS = re.compile(r"\.{0,2}|.*[/\x00-\x1f\x7f].*", re.DOTALL)


def find_agent(*, name: str) -> Agent:
    """The agent with this external_id or id. Raises Missing."""
    agent: Agent | None = find_by_any_id(Agent.objects.all(), name)
    if agent is None:
        raise Missing(f"There is no agent {name!r}.")
    return agent


def resolve_agents(*, names: Iterable[str], may_register: bool) -> dict[str, Agent]:
    """The agents by the names that callers use for them; unknown ones are registered where that is allowed."""
    wanted = set(names)
    found = _look_up(wanted)
    unknown = sorted(name for name in wanted - found.keys() if not NO_PART_OF_AN_ADDRESS.fullmatch(name))
    if unknown and may_register:
        _register(unknown)
        found |= _look_up(set(unknown))
    return found


def unknown_agent(*, name: str) -> Refused:
    """Why there is no agent of this name after `resolve_agents`."""
    if NO_PART_OF_AN_ADDRESS.fullmatch(name):
        return _unfit(name)
    return Refused(f"There is no agent {name!r}, and this key may not register one.", "agent_id")


def create_agent(*, external_id: str, **values: Any) -> Agent:
    """Register an agent with what is known about it. Raises Conflict for a taken name, Refused for an unfit one."""
    if NO_PART_OF_AN_ADDRESS.fullmatch(external_id):
        raise _unfit(external_id)
    try:
        with transaction.atomic():
            agent = Agent.objects.create(external_id=external_id, **{"name": external_id} | values)
    except IntegrityError as error:
        raise Conflict(f"There is an agent {external_id!r} already; change it with PATCH.", "agent_id") from error
    audit.record(action="agent.registered", target=agent, after={"external_id": external_id})
    return agent


def update_agent(*, agent: Agent, **values: Any) -> Agent:
    """Change what is known about an agent: name, type, domain, description, task_types."""
    before = {field: getattr(agent, field) for field in values}
    for field, value in values.items():
        setattr(agent, field, value)
    agent.save(update_fields=[*values, "updated_at"])
    audit.record(action="agent.updated", target=agent, before=before, after=values)
    return agent


def fitting_name(name: str) -> str:
    """What an agent can be called whose name nobody chose for it, such as that of a span."""
    fitting = re.sub(r"[/\x00-\x1f\x7f]+", "-", name).strip()
    return "unnamed" if NO_PART_OF_AN_ADDRESS.fullmatch(fitting) else fitting


def _unfit(name: str) -> Refused:
    return Refused(
        f"An agent cannot be called {name!r}: the name stands in addresses. Letters, digits, spaces and most signs "
        "are fine, but no slash, no line break and no dots alone.", "agent_id",
    )  # fmt: skip


def _look_up(names: set[str]) -> dict[str, Agent]:
    """The application's own name wins over our id."""
    found = {agent.external_id: agent for agent in Agent.objects.filter(external_id__in=names)}
    ids: dict[UUID, str] = {uuid: name for name in names - found.keys() if (uuid := as_uuid(name))}
    if ids:
        found |= {ids[agent.pk]: agent for agent in Agent.objects.filter(pk__in=ids)}
    return found


def _register(names: list[str]) -> None:
    """Somebody else may register the same name at this moment: then theirs stays. Sorted, so that nobody deadlocks."""
    agents = [Agent(external_id=name, name=name) for name in names]
    Agent.objects.bulk_create(agents, ignore_conflicts=True)
    ours = set(Agent.objects.filter(pk__in=[agent.pk for agent in agents]).values_list("pk", flat=True))
    for agent in agents:
        if agent.pk in ours:
            audit.record(action="agent.registered", target=agent, after={"external_id": agent.external_id})
