"""Which configs a run may begin with: the approved ones of its agent, a bounded list, the newest first."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from learning.models import Agent, AgentConfig, ConfigStatus

MOST_LISTED = 50


def approved_configs() -> QuerySet[AgentConfig]:
    """Of all agents, without what they say to the model."""
    return AgentConfig.objects.filter(status=ConfigStatus.APPROVED).defer("content")


def listed_configs(agent: Agent, *, asked: UUID | None = None) -> list[AgentConfig]:
    """The newest approved ones, and after them the one that serves and the one asked for when these are older."""
    own = approved_configs().filter(agent=agent).order_by("-number")
    found = list(own[:MOST_LISTED])
    shown = {config.pk for config in found}
    missing = [key for key in (agent.serving_config_id, asked) if key and key not in shown]
    return found + list(own.filter(pk__in=missing)) if missing else found


def default_config(agent: Agent, configs: list[AgentConfig]) -> AgentConfig | None:
    """What a run begins with when nobody chooses: what serves, else the newest (as run_plan.plan_run takes it)."""
    serving = [config for config in configs if config.pk == agent.serving_config_id]
    return next(iter(serving or configs), None)
