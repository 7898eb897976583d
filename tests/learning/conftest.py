"""An agent ready to be trained, and what it is trained on."""

from __future__ import annotations

import pytest

from learning.models import Agent, DatasetVersion
from organizations.models import Organization
from tests import factories


@pytest.fixture
def agent(scope: Organization) -> Agent:
    agent = factories.make_agent(name="Critic", external_id="critic")
    factories.make_config(agent)
    return agent


@pytest.fixture
def version(agent: Agent) -> DatasetVersion:
    return factories.make_published_version(agent)
