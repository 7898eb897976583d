"""The clients against the product itself: over HTTP, with a key, to the rows in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_learning import Client, Refused
from django.conf import settings

from experiments.services.deployments import deploy_config
from learning.models import AgentFeedback, Execution, LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(live_server: Any) -> Organization:
    """An organization whose agent "support-bot" is served a config."""
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support-bot")
        deploy_config(agent=agent, config=factories.make_config(agent))
    return organization


@pytest.fixture
def client(served: Organization, live_server: Any) -> Iterator[Client]:
    with Client(live_server.url, factories.make_key(served), tries=1) as started:
        yield started


def test_an_execution_and_its_correction_arrive_as_an_example(client: Client, served: Organization) -> None:
    config = client.config("support-bot", user_id="u-1")
    assert config.messages("Hi")[-1] == {"role": "user", "content": "Hi"}
    name = client.log_execution(
        agent="support-bot", input="Hi", output="Yes", user_id="u-1", config=config, duration_ms=3
    )
    client.send_feedback("thumbs_down", execution_id=name, user_id="u-1", issue_categories=["incorrect"])
    client.correct(name, "Hello!", user_id="u-1")
    with organization_scope(served.id):
        assert str(Execution.objects.get(external_id=name).config_id) == config.id
        assert AgentFeedback.objects.count() == 2
        example = LearningExample.objects.get()
        assert (example.original_output, example.expected_output) == ("Yes", "Hello!")
    assert client.feedback_stats("support-bot")["thumbs_down_count"] == 1


def test_the_same_key_twice_is_stored_once(client: Client, served: Organization) -> None:
    name = client.log_execution(agent="support-bot", input="Hi")
    one = client.send_feedback("thumbs_up", execution_id=name, idempotency_key="k-1")
    assert client.send_feedback("thumbs_up", execution_id=name, idempotency_key="k-1") == one
    with organization_scope(served.id):
        assert AgentFeedback.objects.count() == 1


def test_a_batch_tells_of_each_item(client: Client) -> None:
    results = client.log_executions([{"agent": "support-bot", "input": "a"}, {"agent": "support-bot", "confidence": 2}])
    assert [result["status"] for result in results] == [201, 400]
    assert results[1]["errors"][0]["field"] == "confidence"


def test_a_refusal_names_the_field(client: Client) -> None:
    name = client.log_execution(agent="support-bot", input="Hi")
    with pytest.raises(Refused, match="rating: "):
        client.send_feedback("star_rating", execution_id=name, rating=6)


def test_the_lines_of_the_readme_run_as_written(live_server: Any, served: Organization) -> None:
    readme = (Path(settings.BASE_DIR) / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    code = code.replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", factories.make_key(served))
    asked: list[Any] = []

    def ask_your_model(messages: list[dict[str, str]], **parameters: Any) -> str:
        asked.append((messages, parameters))
        return "It is on its way."

    exec(compile(code, "README.md", "exec"), {"ask_your_model": ask_your_model})
    assert asked[0][1] == factories.CONTENT["parameters"]
    with organization_scope(served.id):
        execution = Execution.objects.get(external_id="exec-123")
        assert execution.output == "It is on its way."
        assert LearningExample.objects.get().expected_output == "It left our warehouse today."
