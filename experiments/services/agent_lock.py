"""Deployments and the start of experiments of one agent come one after the other."""

from __future__ import annotations

from uuid import UUID

from learning.models import Agent


def lock_agent(agent_id: UUID) -> Agent:
    """The agent's row, locked until the transaction ends."""
    return Agent.objects.select_for_update().get(pk=agent_id)
