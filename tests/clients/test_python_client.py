"""The Python client against a scripted server: bodies, retries, errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agent_learning import AgentConfig, Client, Refused, Unreachable

from tests.browser.site import Site

CONFIG = AgentConfig(id="c-7", number=7, content={}, variant="treatment")
STORED = (201, {"execution_id": "exec-1", "id": "0190", "success": True})
BUSY = (503, {"title": "Service Unavailable", "detail": "Busy."})


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as started:
        yield started


@pytest.fixture
def waits() -> list[float]:
    """How long the client would have slept before each further try, in seconds."""
    return []


@pytest.fixture
def client(site: Site, waits: list[float]) -> Iterator[Client]:
    with Client(site.url, "sk_test", timeout=5, sleep=waits.append) as started:
        yield started


def test_an_execution_is_sent_in_the_words_of_the_api(client: Client, site: Site) -> None:
    site.answers.append(STORED)
    assert client.log_execution(agent="support", input="Hi", output="Hello", user_id="u-1", config=CONFIG) == "exec-1"
    (sent,) = site.sent
    assert (sent.method, sent.path) == ("POST", "/api/learning/executions")
    assert sent.headers["authorization"] == "Bearer sk_test"
    assert len(sent.body.pop("execution_id")) == 36
    assert sent.body == {
        "agent_id": "support",
        "input": "Hi",
        "output": "Hello",
        "user_id": "u-1",
        "config_id": "c-7",
        "variant": "treatment",
    }


def test_outside_of_an_experiment_no_variant_is_sent(client: Client, site: Site) -> None:
    site.answers.append(STORED)
    client.log_execution(agent="support", config=AgentConfig(id="c-7", number=7, content={}))
    assert "variant" not in site.sent[0].body


def test_a_batch_gives_each_item_its_own_identifier(client: Client, site: Site) -> None:
    site.answers.append((200, {"results": [{"index": 0, "status": 201, "id": "x"}, {"index": 1, "status": 400}]}))
    items = [
        {"agent": "support", "input": "a"},
        {"agent": "support", "input": "b", "execution_id": "mine", "config": CONFIG},
    ]
    assert [result["status"] for result in client.log_executions(items)] == [201, 400]
    first, second = site.sent[0].body["items"]
    assert len(first["execution_id"]) == 36
    assert (second["execution_id"], second["config_id"], second["agent_id"]) == ("mine", "c-7", "support")
    assert items[1]["config"] is CONFIG  # what the caller gave is left as it was


def test_a_correction_is_feedback_with_a_key(client: Client, site: Site) -> None:
    assert client.correct("exec-1", "It takes five days.", user_id="u-1") == "f-1"
    assert site.sent[0].body == {
        "feedback_type": "correction",
        "execution_id": "exec-1",
        "correction_text": "It takes five days.",
        "user_id": "u-1",
    }
    assert len(site.sent[0].headers["idempotency-key"]) == 36


def test_a_busy_server_is_asked_again_with_the_same_key_and_body(
    client: Client, site: Site, waits: list[float]
) -> None:
    site.answers.extend([BUSY, (0, {})])
    assert client.send_feedback("star_rating", execution_id="exec-1", rating=4) == "f-1"
    assert len({sent.headers["idempotency-key"] for sent in site.sent}) == 1
    assert [sent.body for sent in site.sent] == [site.sent[0].body] * 3
    assert len(waits) == 2
    assert waits[0] < waits[1] * 2 <= 0.8 + 0.01


def test_two_calls_have_two_keys(client: Client, site: Site) -> None:
    client.send_feedback("thumbs_up", execution_id="exec-1")
    client.send_feedback("thumbs_up", execution_id="exec-1")
    assert len({sent.headers["idempotency-key"] for sent in site.sent}) == 2


def test_an_execution_that_is_sent_again_keeps_the_identifier_made_for_it(client: Client, site: Site) -> None:
    site.answers.extend([BUSY, STORED])
    client.log_execution(agent="support")
    assert site.sent[0].body == site.sent[1].body


def test_a_refusal_is_raised_at_once_and_names_field_and_reason(client: Client, site: Site, waits: list[float]) -> None:
    errors = [{"field": "rating", "message": "Ensure this value is less than or equal to 5."}]
    site.answers.append((400, {"title": "Bad Request", "detail": "The request has errors.", "errors": errors}))
    with pytest.raises(Refused, match=r"rating: Ensure this value is less than or equal to 5\. \(HTTP 400\)") as caught:
        client.send_feedback("star_rating", execution_id="exec-1", rating=6)
    assert (caught.value.status, caught.value.errors) == (400, errors)
    assert waits == []


@pytest.mark.parametrize("answer", [{}, {"errors": "no list"}, {"errors": ["no object"]}])
def test_a_strange_refusal_is_still_a_refusal(client: Client, site: Site, answer: dict[str, object]) -> None:
    site.answers.append((403, answer))
    with pytest.raises(Refused, match=r"Forbidden \(HTTP 403\)"):
        client.config("support")


def test_a_server_that_stays_busy_is_given_up(client: Client, site: Site) -> None:
    site.answers.extend([BUSY] * 4)
    with pytest.raises(Refused, match=r"Busy\. \(HTTP 503\)"):
        client.send_feedback("thumbs_up", execution_id="exec-1")
    assert len(site.sent) == 4


def test_a_server_that_is_not_there_is_unreachable(waits: list[float]) -> None:
    client = Client("http://127.0.0.1:9", "sk_test", tries=2, sleep=waits.append)
    with client, pytest.raises(Unreachable, match="after 2 tries"):
        client.config("support")
    assert len(waits) == 1


def test_another_site_at_the_address_is_told_apart(site: Site) -> None:
    site.pages["/elsewhere/api/learning/feedback/stats"] = "<h1>Welcome</h1>"
    with Client(site.url + "/elsewhere", "sk_test") as client, pytest.raises(Unreachable):
        client.feedback_stats("support")


def test_an_argument_that_the_api_does_not_know_is_refused_in_python(client: Client, site: Site) -> None:
    with pytest.raises(TypeError):
        client.log_execution(agent="support", ouput="typo")  # type: ignore[call-arg]
    assert site.sent == []


def test_a_config_makes_the_chat_with_examples_as_earlier_turns() -> None:
    content = {
        "system_prompt": "One word.",
        "examples": [{"input": "Great!", "output": "positive"}],
        "model": "small",
        "parameters": {"temperature": 0},
        "input_template": "Review: {input}",
    }
    config = AgentConfig(id="c", number=1, content=content)
    assert config.messages("Bad {input}") == [
        {"role": "system", "content": "One word."},
        {"role": "user", "content": "Great!"},
        {"role": "assistant", "content": "positive"},
        {"role": "user", "content": "Review: Bad {input}"},
    ]
    assert (config.model, config.parameters) == ("small", {"temperature": 0})
    assert AgentConfig(id="c", number=1, content={}).messages("Hi") == [{"role": "user", "content": "Hi"}]
