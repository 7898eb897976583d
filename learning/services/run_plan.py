"""A run before it starts: what it would learn from, what it has to beat, what it was asked to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from learning.engines.agreement import FEWEST_ITEMS
from learning.engines.metrics import METRIC_KINDS
from learning.models import Agent, AgentConfig, ConfigStatus, DatasetVersion
from learning.services import datasets
from learning.services.expert_scores import scored_answers
from learning.services.run_config import RunConfig, check_examples, check_type, read_run_config
from learning.services.run_estimate import RunEstimate, estimate_run, price_for
from organizations.errors import Refused


@dataclass(frozen=True)
class RunPlan:
    """A run that could be started: everything was looked up and found good."""

    agent: Agent
    version: DatasetVersion
    base_config: AgentConfig
    wishes: RunConfig

    def estimate(self) -> RunEstimate:
        return estimate_run(agent=self.agent, version=self.version, base_config=self.base_config, wishes=self.wishes)


def plan_run(
    agent: Agent,
    version: DatasetVersion | None,
    base_config: AgentConfig | None,
    training_type: str,
    config: Mapping[str, Any] | None,
) -> RunPlan:
    """What a run asked for like this would do. Raises Refused naming the field at fault; changes nothing."""
    check_type(training_type)
    wishes = read_run_config(config or {})
    version = version or _newest_version(agent)
    _check_version(version, agent)
    check_examples(version, wishes)
    base = _base_config(agent, base_config)
    _check_price(base, wishes)
    _check_judge(version, wishes)
    return RunPlan(agent, version, base, wishes)


def _check_price(base: AgentConfig, wishes: RunConfig) -> None:
    if wishes.max_money is not None and price_for(base) is None:
        name = base.content.get("model") or settings.DEFAULT_MODEL
        text = f"The price of {name} is unknown (LLM_PRICES), so no limit in money can be kept."
        raise Refused(text, "config.max_money")


def _check_judge(version: DatasetVersion, wishes: RunConfig) -> None:
    """A judge that cannot be compared with experts would be refused when the run has begun."""
    if not METRIC_KINDS[wishes.metric].needs_expert_scores:
        return
    there = len(scored_answers(version_id=version.pk))
    if there < FEWEST_ITEMS:
        raise Refused(
            f"A judge is compared with experts first. That takes {FEWEST_ITEMS} answers which experts have scored, "
            f"outside of the test split; version {version.number} has {there}.",
            "config.metric",
        )


def _newest_version(agent: Agent) -> DatasetVersion:
    version = datasets.newest_version(agent)
    if version is None:
        raise Refused("This agent has no published dataset version. Publish one first.", "dataset_version_id")
    return version


def _check_version(version: DatasetVersion, agent: Agent) -> None:
    if version.dataset.agent_id not in (None, agent.pk):
        raise Refused("This dataset version belongs to another agent.", "dataset_version_id")
    if version.erased_at is not None:
        text = f"A person in version {version.number} was forgotten: train on the version that replaces it."
        raise Refused(text, "dataset_version_id")


def _base_config(agent: Agent, asked: AgentConfig | None) -> AgentConfig:
    """What the run starts from and has to beat."""
    approved = agent.configs.filter(status=ConfigStatus.APPROVED)
    config = asked or agent.serving_config or approved.order_by("-number").first()
    if config is None:
        raise Refused("This agent has no config yet. Register what it does today first.", "base_config_id")
    if config.agent_id != agent.pk:
        raise Refused(f"Config {config.number} belongs to another agent.", "base_config_id")
    return config
