"""The clients against the product itself: over HTTP, with a key, to the rows in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from agent_learning import AsyncClient, Background, Client, Refused, decided
from agent_learning.courier import Delivery
from django.conf import settings

from experiments.services.deployments import deploy_config
from learning.models import AgentFeedback, Execution, LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients.loops import run

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

    def ask_your_model(model: str, messages: list[dict[str, str]], **parameters: Any) -> str:
        asked.append((model, parameters))
        return "It is on its way."

    exec(compile(code, "README.md", "exec"), {"ask_your_model": ask_your_model})
    assert asked == [(factories.CONTENT["model"], factories.CONTENT["parameters"])]
    with organization_scope(served.id):
        execution = Execution.objects.get()
        assert execution.output == "It is on its way."
        assert LearningExample.objects.get().expected_output == "It left our warehouse today."


def test_what_is_recorded_in_the_background_arrives_once(live_server: Any, served: Organization) -> None:
    with Client(live_server.url, factories.make_key(served), background=Background(interval=0.05)) as learning:
        config = learning.config("support-bot", user_id="u-1")

        @decided("look_up")
        def look_up(parcel: str) -> str:
            return "Lyon"

        @learning.recorded("support-bot", input_argument="question", user_argument="user", config=config)
        def answer(question: str, user: str) -> str:
            return f"In {look_up('p-1')}."

        answer("Where is it?", "u-1")
        with pytest.raises(LookupError), learning.record("support-bot", input="Broken") as broken:
            raise LookupError("no parcel")
        learning.thumbs_down(broken.id, agent="support-bot")
        learning.correct(broken.id, "In Paris.", agent="support-bot", user_id="u-1")
        assert learning.flush(20)
        assert (learning.counts.stored, learning.counts.refused, learning.counts.lost) == (4, 0, 0)
    with organization_scope(served.id):
        good, bad = Execution.objects.order_by("started_at")
        assert (good.input, good.output, good.user, str(good.config_id)) == (
            "Where is it?",
            "In Lyon.",
            "u-1",
            config.id,
        )
        assert good.duration_ms is not None
        decision = good.decisions.get()
        assert (decision.decision_point, decision.input, decision.output) == ("look_up", {"parcel": "p-1"}, "Lyon")
        assert (bad.external_id, bad.status, bad.metadata["error"]["type"]) == (broken.id, "failed", "LookupError")
        assert AgentFeedback.objects.filter(execution=bad).count() == 2
        assert LearningExample.objects.get().expected_output == "In Paris."


def test_a_batch_that_is_sent_twice_is_stored_once(live_server: Any, served: Organization) -> None:
    """The answer to the first try is lost on the way."""
    with Client(live_server.url, factories.make_key(served), background=Background(interval=0.05)) as learning:
        deliver = learning._outbox._courier.deliver
        lost: list[Any] = []

        def lossy(kind: Any, items: Any, attempt: int) -> Any:
            done = deliver(kind, items, attempt)
            if kind not in lost:
                lost.append(kind)
                return Delivery(again=httpx.ReadTimeout("lost"), problem="lost")
            return done

        learning._outbox._courier.deliver = lossy  # type: ignore[method-assign]
        for number in range(20):
            learning.log_execution(agent="support-bot", execution_id=f"e-{number}", input="Hi")
            learning.thumbs_up(f"e-{number}", agent="support-bot")
        assert learning.flush(20)
        assert (learning.counts.stored, learning.counts.refused, learning.counts.retries) == (40, 0, 2)
    with organization_scope(served.id):
        assert (Execution.objects.count(), AgentFeedback.objects.count()) == (20, 20)


def test_a_page_gives_feedback_with_a_token_that_the_client_made(live_server: Any, served: Organization) -> None:
    with Client(live_server.url, factories.make_key(served)) as learning:
        name = learning.log_execution(agent="support-bot", input="Hi")
        token = learning.feedback_token("support-bot", name, types=["thumbs_up"], user_id="u-1")
    ask = {"headers": {"Authorization": f"Bearer {token}"}}
    assert httpx.post(f"{live_server.url}/api/learning/feedback", json={"feedback_type": "thumbs_up"}, **ask).is_success
    with organization_scope(served.id):
        feedback = AgentFeedback.objects.get()
        assert (feedback.user, feedback.execution.external_id) == ("u-1", name)


async def talk(url: str, key: str) -> str:
    async with AsyncClient(url, key) as learning:
        config = await learning.config("support-bot", user_id="u-1")
        name = await learning.log_execution(agent="support-bot", input="Hi", output="Yes", config=config)
        await learning.correct(name, "No", agent="support-bot")
        with pytest.raises(Refused, match="rating: "):
            await learning.send_feedback("star_rating", execution_id=name, rating=6)
        return name


def test_the_client_for_event_loops_does_the_same(live_server: Any, served: Organization) -> None:
    name = run(talk(live_server.url, factories.make_key(served)))
    with organization_scope(served.id):
        assert Execution.objects.get().external_id == name
        assert LearningExample.objects.get().expected_output == "No"


def test_the_code_of_the_clients_page_runs_as_written(live_server: Any, served: Organization) -> None:
    page = (Path(settings.BASE_DIR) / "clients" / "python" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    key = factories.make_key(served)
    told = [block.replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", key) for block in blocks]
    names: dict[str, Any] = {"ask_your_model": lambda model, messages, **parameters: "In Lyon."}
    exec(compile(told[0], "README.md", "exec"), names)
    assert names["answer"]("Where is it?", "user-7") == "In Lyon."
    names["config"] = names["learning"].config("support-bot", user_id="user-7")
    exec(compile(told[1], "README.md", "exec"), names)
    assert list(names["stream"]("Where?")) == ["In ", "Lyon."]
    recording = names["learning"]
    exec(compile(told[2], "README.md", "exec"), names)
    for client in (recording, names["learning"]):
        assert client.flush(20)
        assert client.counts.refused == client.counts.lost == 0
        client.close()
    with organization_scope(served.id):
        assert Execution.objects.filter(output="In Lyon.").count() == 3
        block = Execution.objects.get(input_tokens=120)
        assert sorted(block.decisions.values_list("decision_point", flat=True)) == ["route"]
        streamed = Execution.objects.get(input="Where?")
        assert streamed.decisions.get().decision_point == "look_up"
        assert AgentFeedback.objects.get().execution == block
