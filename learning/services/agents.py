"""Agent configs: immutable versions of how an agent answers, and which one serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from learning.engines.types import Prompt
from learning.models import Agent, AgentConfig, ConfigStatus, GateReport, TrainingRun
from learning.services.gate import start_gate
from organizations import audit
from organizations.errors import Conflict, Refused


def create_first_config(*, agent: Agent, content: Mapping[str, Any]) -> AgentConfig:
    """What the agent does today. It needs no gate, because there is nothing yet that it could be worse than.

    Raises Conflict when the agent has a config, Refused for a content that cannot be asked with.
    """
    with transaction.atomic():
        _lock(agent)
        if agent.configs.exists():
            raise Conflict(
                "This agent has a config already. A new one is a draft and goes through the gate.", "content"
            )
        return _create(agent, content, status=ConfigStatus.APPROVED)


def create_draft_config(*, agent: Agent, content: Mapping[str, Any], parent: AgentConfig | None = None) -> AgentConfig:
    """A config that a person wrote. It serves nobody before the gate and an approval."""
    with transaction.atomic():
        _lock(agent)
        return _create(agent, content, status=ConfigStatus.DRAFT, parent=parent)


def write_config(*, agent: Agent, content: Mapping[str, Any]) -> tuple[AgentConfig, GateReport | None]:
    """A config that a person or an application gives: the first one is what the agent does today and is approved;
    a later one is a draft of what serves (or of the newest approved, where nothing does), and its gate is queued.
    """
    with transaction.atomic():
        _lock(agent)
        if not agent.configs.exists():
            return create_first_config(agent=agent, content=content), None
        draft = create_draft_config(agent=agent, content=content, parent=_before(agent))
        return draft, start_gate(config=draft)


def propose_config(*, run: TrainingRun, content: Mapping[str, Any]) -> AgentConfig:
    """What a training run proposes, made from the config that the run began with.

    An equal one that an earlier run proposed from there stands for both, unless a person has rejected it.
    """
    with transaction.atomic():
        agent = run.agent
        _lock(agent)
        values: dict[str, Any] = {"parent": run.base_config, "training_run": run, "status": ConfigStatus.CANDIDATE}
        return _proposed_before(run, content) or _create(agent, content, **values)


def set_serving_config(*, agent: Agent, config: AgentConfig) -> None:
    """Serve this config to everybody who asks. Called by deployments alone.

    Raises Refused for another agent's config or one that was not approved.
    """
    if config.agent_id != agent.pk:
        raise Refused(f"Config {config.number} belongs to another agent.", "config_id")
    if config.status != ConfigStatus.APPROVED:
        raise Refused(f"Config {config.number} is {config.status}; only an approved config can serve.", "config_id")
    before = agent.serving_config_id
    agent.serving_config = config
    agent.save(update_fields=["serving_config", "updated_at"])
    audit.record(
        action="agent.serves",
        target=agent,
        before={"config": str(before) if before else None},
        after={"config": str(config.pk), "number": config.number},
    )


def _create(agent: Agent, content: Mapping[str, Any], **values: Any) -> AgentConfig:
    try:
        prompt = Prompt.from_content(content)
    except ValueError as error:
        raise Refused(str(error), "content") from error
    newest = agent.configs.aggregate(newest=Max("number"))["newest"] or 0
    config = AgentConfig.objects.create(
        agent=agent, number=newest + 1, content=prompt.content(), content_hash=prompt.digest, **values
    )
    audit.record(
        action="agentconfig.created",
        target=config,
        after={"agent": agent.external_id, "number": config.number, "content_hash": config.content_hash},
    )
    return config


def _proposed_before(run: TrainingRun, content: Mapping[str, Any]) -> AgentConfig | None:
    """What is marked as built from a person's erased data stands for nothing that was learned without it."""
    proposed = run.agent.configs.filter(training_run__isnull=False, parent=run.base_config, erased_at=None)
    equal = proposed.filter(content_hash=Prompt.from_content(content).digest)
    return equal.exclude(status=ConfigStatus.RETIRED).order_by("number").first()


def _before(agent: Agent) -> AgentConfig | None:
    """What a new config is compared with."""
    approved = agent.configs.filter(status=ConfigStatus.APPROVED)
    return agent.serving_config or approved.order_by("-number").first()


def _lock(agent: Agent) -> None:
    """Numbers are given one after the other. Executions that refer to the agent can still be stored."""
    Agent.objects.select_for_update(no_key=True).only("pk").get(pk=agent.pk)
