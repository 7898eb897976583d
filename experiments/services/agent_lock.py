"""Deployments and the start of experiments of one agent come one after the other."""

from __future__ import annotations

from uuid import UUID

from learning.models import Agent


def lock_agent(agent_id: UUID) -> Agent:
    """The agent's row, locked until the transaction ends. Executions that refer to it can still be stored."""
    return Agent.objects.select_for_update(no_key=True).get(pk=agent_id)
