"""Running an agent with what was learned about it."""

from __future__ import annotations

from typing import Any

import pytest
from agent_learning import AgentConfig, AsyncClient, Client, Improvement, Situation

from tests.clients.loops import run
from tests.clients.scripted_server import Answer, ScriptedServer

CONFIG = {"config_id": "c-1", "config_number": 1, "content": {"system_prompt": "Hi."}, "agent_id": "support"}
LIVE = {"improvements": [{"id": "i-1", "instruction": "Be short."}, {"id": "i-2", "instruction": "Hi."}]}


def client(server: ScriptedServer, **options: Any) -> Client:
    return Client(server.url, "sk_test", timeout=2, sleep=lambda seconds: None, **options)


def prompt(config: AgentConfig) -> str:
    return str(config.content["system_prompt"])


def test_improvements_are_loaded_once_applied_and_logged(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(200, LIVE)])
    learning = client(server)
    agent = learning.agent("support", holdout=0)
    assert agent.run_with_learning(prompt, "May I?", metadata={"route": "web"}) == "Hi.\n\nBe short."
    assert agent.run_with_learning(prompt, "And now?") == "Hi.\n\nBe short."
    assert [sent.path for sent in server.sent if sent.method == "GET"].count(
        "/api/learning/agents/support/improvements?live=true"
    ) == 1
    learning.close()
    (first, second) = server.all_items("executions")
    assert first["metadata"] == {"route": "web", "improvements": ["i-1", "i-2"]}
    assert (second["output"], second["config_id"]) == ("Hi.\n\nBe short.", "c-1")


def test_the_async_client_does_the_same(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(200, LIVE)])

    async def answer(config: AgentConfig) -> str:
        return prompt(config)

    async def ask() -> list[str]:
        async with AsyncClient(server.url, "sk_test", timeout=2) as learning:
            agent = learning.agent("support", holdout=0)
            return [await agent.run_with_learning(answer, "May I?") for _ in range(2)]

    assert run(ask()) == 2 * ["Hi.\n\nBe short."]
    assert sum("improvements" in sent.path for sent in server.sent) == 1
    assert server.all_items("executions")[1]["metadata"] == {"improvements": ["i-1", "i-2"]}


def test_the_async_client_answers_while_the_server_is_in_trouble(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(403, {"detail": "This needs a key with the scope read."})])

    async def answer(config: AgentConfig) -> str:
        return prompt(config)

    async def ask() -> str:
        async with AsyncClient(server.url, "sk_test", timeout=2, tries=1) as learning:
            return await learning.agent("support").run_with_learning(answer, "May I?")

    assert run(ask()) == "Hi."


def test_a_server_in_trouble_never_stands_in_the_way(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(403, {"detail": "This needs a key with the scope read."})])
    learning = client(server)
    assert learning.agent("support").run_with_learning(prompt, "May I?") == "Hi."
    learning.close()
    assert server.all_items("executions")[0]["metadata"] == {"improvements": []}


def test_a_tenth_of_the_users_goes_without_and_always_the_same() -> None:
    one = Improvement("i-1", "Be short.")
    drawn = [one.is_for(f"user-{place}", 0.1) for place in range(2_000)]
    assert drawn == [one.is_for(f"user-{place}", 0.1) for place in range(2_000)]
    assert 0.87 < sum(drawn) / 2_000 < 0.93
    assert one.is_for("", 0.1), "without a user everybody gets it"


def test_an_answer_that_fails_is_recorded_and_raised(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(200, LIVE)])
    learning = client(server)

    def fail(config: AgentConfig) -> str:
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        learning.agent("support").run_with_learning(fail, "May I?", user_id="u-1")
    learning.close()
    assert server.all_items("executions")[0]["status"] == "failed"
    with pytest.raises(ValueError, match="holdout"):
        learning.agent("support", holdout=1)


def test_what_was_applied_of_the_learned_behavior_is_logged_with_its_run_alone(server: ScriptedServer) -> None:
    row = {"request": "q", "observation": "q", "action": "find", "arguments": {}, "from": "d-1"}
    rule = {"text": "Look first.", "check": {"kind": "after", "action": "refund", "of": "find"}}
    learned = {**CONFIG, "content": {"system_prompt": "Hi.", "behavior": {"demonstrations": [row], "rules": [rule]}}}
    server.answers.extend([Answer(200, learned), Answer(200, LIVE)])
    learning = client(server)
    agent = learning.agent("support", holdout=0)

    def answer(config: AgentConfig) -> str:
        here = Situation("q")
        assert len(config.behavior.messages(config.messages("q"), here)) == 4
        return config.behavior.forbids("refund", here)

    assert agent.run_with_learning(answer, "q", user_id="u") == "Look first."
    assert agent.run_with_learning(prompt, "q", user_id="u") == "Hi.\n\nBe short."
    learning.close()
    first, second = server.all_items("executions")
    assert first["metadata"]["behavior"] == {"demonstrations": ["d-1"], "forbidden": ["refund"]}
    assert "behavior" not in second["metadata"]
