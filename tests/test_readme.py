"""What the README shows is true: its integration runs against a live server, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from experiments.services.deployments import deploy_config
from learning.models import AgentFeedback, Execution, LearningExample
from learning.services.agents import create_first_config
from organizations.scope import organization_scope
from tests import factories

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.django_db(transaction=True)
def test_the_ten_lines_of_integration_work(live_server: Any) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support-bot")
        deploy_config(agent=agent, config=create_first_config(agent=agent, content=factories.CONTENT))
    lines = re.search(r"```python\n(.*?)```", README, re.S)
    assert lines is not None
    code = lines[1].replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", factories.make_key(organization))
    exec(code, {"ask_your_model": lambda messages, **parameters: f"You asked: {messages[-1]['content']}"})
    with organization_scope(organization.id):
        execution = Execution.objects.get(external_id="exec-123")
        assert execution.output == "You asked: Where is my parcel?"
        assert execution.config is not None
        assert AgentFeedback.objects.get().execution == execution
        assert LearningExample.objects.get().expected_output == "It left our warehouse today."


def test_every_file_that_the_readme_points_at_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_of_the_readme_are_targets_of_make() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"^(?:\w+=\w+ )?make (\w+)", README, re.M)
    assert named
    assert set(named) <= set(targets)
