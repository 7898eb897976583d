"""Configs: cached for a while, revalidated by their ETag, and still served while the server is away."""

from __future__ import annotations

import time
from typing import Any

import pytest
from agent_learning import AgentConfig, Client, Refused, Unreachable

from tests.clients.scripted_server import Answer, ScriptedServer

BODY = {"config_id": "c-1", "config_number": 1, "content": {"system_prompt": "Hi"}, "agent_id": "support"}


def client(server: ScriptedServer, **options: Any) -> Client:
    return Client(server.url, "sk_test", timeout=2, sleep=lambda seconds: None, **options)


def test_a_config_is_asked_for_once_in_a_while_for_each_user(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, BODY), Answer(200, BODY | {"config_id": "c-2"})])
    learning = client(server)
    assert [learning.config("support", "u-1").id for _ in range(3)] == ["c-1"] * 3
    assert learning.config("support", "u-2").id == "c-2"
    assert [sent.path for sent in server.sent] == [
        "/api/learning/agents/support/config?user_id=u-1",
        "/api/learning/agents/support/config?user_id=u-2",
    ]


def test_exposure_is_asked_for_on_its_own(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, BODY), Answer(200, BODY)])
    learning = client(server)
    learning.config("support", "u-1")
    learning.config("support", "u-1", expose=True)
    assert "expose=true" in server.sent[1].path


def test_an_old_config_is_asked_for_again_with_its_etag(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, BODY, {"ETag": '"v1"'}), Answer(304), Answer(200, BODY | {"config_id": "c-9"})])
    learning = client(server, config_ttl=0)
    assert [learning.config("support", "u-1").id for _ in range(3)] == ["c-1", "c-1", "c-9"]
    assert [sent.headers.get("if-none-match") for sent in server.sent] == [None, '"v1"', '"v1"']


def test_users_of_a_config_share_its_examples_and_nothing_else_of_it(server: ScriptedServer) -> None:
    def told(variant: str, answer: str = "A") -> Answer:
        content = {"system_prompt": "Hi", "examples": [{"input": "Q", "output": answer}]}
        return Answer(200, BODY | {"content": content, "variant": variant})

    server.answers.extend([told("one"), told("two"), told("one", "B")])
    learning = client(server)
    first, second, other = (learning.config("support", f"u-{n}") for n in range(3))
    assert first.content["examples"] is second.content["examples"]
    assert first.content is not second.content and (first.variant, second.variant) == ("one", "two")
    assert other.content["examples"] == [{"input": "Q", "output": "B"}], "a person in it was forgotten meanwhile"


@pytest.mark.parametrize("trouble", [Answer(0), Answer(500, {"detail": "Broken."}), Answer(503), Answer(429)])
def test_a_server_in_trouble_leaves_the_last_known_config(server: ScriptedServer, trouble: Answer) -> None:
    server.answers.extend([Answer(200, BODY), trouble])
    learning = client(server, config_ttl=0)
    learning.config("support", "u-1")
    assert learning.config("support", "u-1").id == "c-1"
    assert len(server.sent) == 2
    assert learning.config("support", "u-1").id == "c-1"
    assert len(server.sent) == 2, "a server that is away is left alone for a while"


def test_without_any_known_config_the_default_serves_and_is_not_named_in_executions(server: ScriptedServer) -> None:
    server.stop()
    own = AgentConfig(id="", number=0, content={"system_prompt": "Help."})
    learning = client(server)
    assert learning.config("support", "u-1", default=own) is own
    with pytest.raises(Unreachable, match="after 4 tries"):
        learning.config("support", "u-1")
    server.back()
    learning.log_execution(agent="support", config=own)
    assert "config_id" not in server.sent[-1].body


def test_a_refusal_is_no_trouble_of_the_server_and_is_raised(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, BODY), Answer(404, {"detail": "There is no agent 'support'."})])
    learning = client(server, config_ttl=0)
    learning.config("support", "u-1")
    with pytest.raises(Refused, match="There is no agent"):
        learning.config("support", "u-1")


def test_in_the_background_an_old_config_serves_while_it_is_asked_for_again(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, BODY), Answer(200, BODY | {"config_id": "c-2"}, after=0.3)])
    learning = client(server, background=True, config_ttl=0.05)
    learning.config("support", "u-1")
    time.sleep(0.06)
    started = time.perf_counter()
    assert learning.config("support", "u-1").id == "c-1"
    assert time.perf_counter() - started < 0.2
    end = time.monotonic() + 5
    while learning.config("support", "u-1").id != "c-2":
        assert time.monotonic() < end
        time.sleep(0.01)
