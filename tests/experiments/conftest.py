"""An agent that serves a config, a candidate for it, and experiments between the two."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.models import Experiment
from experiments.services.creation import create_experiment, halves
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import start_experiment
from learning.models import Agent, AgentConfig
from organizations.models import Organization
from tests import factories


@pytest.fixture
def same_salts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same arms for the same users in every run of a test."""
    salts = random.Random(7)
    stand_in = SimpleNamespace(token_hex=lambda size: salts.randbytes(size).hex())
    monkeypatch.setattr("experiments.bucketing.secrets", stand_in)


@pytest.fixture
def agent(scope: Organization, same_salts: None) -> Agent:
    agent = factories.make_agent()
    deploy_config(agent=agent, config=factories.make_config(agent, content={"system_prompt": "current"}))
    agent.refresh_from_db()
    return agent


@pytest.fixture
def candidate(agent: Agent) -> AgentConfig:
    return factories.make_config(agent, content={"system_prompt": "candidate"})


@pytest.fixture
def draft(agent: Agent, candidate: AgentConfig) -> Callable[..., Experiment]:
    def make(**values: Any) -> Experiment:
        defaults = {"minimum_units": 100, "minimum_hours": 0, "planned_units": 400}
        arms = values.pop("arms", None) or halves(candidate=candidate, control=agent.serving_config)
        return create_experiment(agent=agent, name="Candidate against current", arms=arms, **defaults | values)

    return make


@pytest.fixture
def experiment(draft: Callable[..., Experiment]) -> Experiment:
    """One that runs."""
    return start_experiment(experiment=draft())
