"""A run before it starts: what it would learn from, what it has to beat, what it was asked to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learning.engines.agreement import FEWEST_ITEMS
from learning.engines.metrics import METRIC_KINDS
from learning.models import Agent, AgentConfig, ConfigStatus, DatasetVersion, TrainingType
from learning.services import datasets
from learning.services.behavior_runs import check_demonstrations, estimate_behavior
from learning.services.expert_scores import scored_answers
from learning.services.prices import named, price_of
from learning.services.run_config import RunConfig, check_type, read_run_config
from learning.services.run_estimate import RunEstimate, estimate_run
from learning.services.run_needs import check_examples
from learning.services.run_usage import models_asked
from learning.services.served_models import why_not_served
from organizations.errors import Refused
from organizations.identifiers import UNSTORABLE

LONGEST_NAME = 200  # characters, as the column has them


@dataclass(frozen=True)
class RunPlan:
    """A run that could be started: everything was looked up and found good."""

    agent: Agent
    version: DatasetVersion
    base_config: AgentConfig
    wishes: RunConfig
    training_type: str = TrainingType.PROMPT_OPTIMIZATION

    def estimate(self) -> RunEstimate:
        if self.training_type == TrainingType.BEHAVIOR_CLONING:
            return estimate_behavior(self.wishes)
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
    if training_type == TrainingType.BEHAVIOR_CLONING:
        check_demonstrations(version)
        base = _base_config(agent, base_config)
        if wishes.word_rules:
            _check_served(base, wishes)
        return RunPlan(agent, version, base, wishes, training_type)
    check_examples(version, wishes)
    base = _base_config(agent, base_config)
    _check_price(base, wishes)
    _check_judge(version, wishes)
    _check_served(base, wishes)
    return RunPlan(agent, version, base, wishes)


def check_name(name: str) -> None:
    """Raises Refused for a name that cannot be stored."""
    if UNSTORABLE.search(name):
        raise Refused("A name has no NUL character and no half of a surrogate pair.", "name")
    if len(name) > LONGEST_NAME:
        raise Refused(f"A name has at most {LONGEST_NAME} characters, not {len(name):,}.", "name")


def _check_price(base: AgentConfig, wishes: RunConfig) -> None:
    """Every model that the run asks must have a price where money is limited: also the one that grades."""
    unknown = [named(model) for model in models_asked(base.content, wishes) if price_of(model) is None]
    if wishes.max_money is not None and unknown:
        text = f"The price of {unknown[0]} is unknown (LLM_PRICES), so no limit in money can be kept."
        raise Refused(text, "config.max_money")


def _check_served(base: AgentConfig, wishes: RunConfig) -> None:
    """Each model must be at the endpoint: another one would answer in its place, and its figures would be proved."""
    own, *others = models_asked(base.content, wishes)
    for model, field in ((own, "base_config_id"), *((one, "config.metric_options") for one in others)):
        if reason := why_not_served([model]):
            raise Refused(reason, field)


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
    if config.status != ConfigStatus.APPROVED:
        text = f"Config {config.number} is {config.status}: a run starts from an approved config, which may serve."
        raise Refused(text, "base_config_id")
    return config
