"""A new agent: registered, told what it does today, and serving that, in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from experiments.models import Deployment
from experiments.services.deployments import deploy_config
from learning.models import Agent
from learning.services.agent_directory import create_agent
from learning.services.agents import create_first_config
from organizations.errors import Conflict


def introduce_agent(*, external_id: str, content: Mapping[str, Any], name: str = "") -> Deployment:
    """Serve everybody what the agent does today; an agent that only sent executions so far is taken as it is.

    Raises Conflict when the agent has a config already, Refused for a content that cannot be asked with.
    """
    with transaction.atomic():
        agent = Agent.objects.filter(external_id=external_id).first()
        if agent is None:
            agent = create_agent(external_id=external_id, name=name or external_id)
        if agent.configs.exists():
            raise Conflict(f"Agent {external_id!r} has a config already. Write a new one on its page.", "external_id")
        return deploy_config(agent=agent, config=create_first_config(agent=agent, content=content))
