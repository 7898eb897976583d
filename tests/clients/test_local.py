"""A client that assigns by itself: no request for a user, exposures in batches, and asking only where it must."""

from __future__ import annotations

import time
from typing import Any

import pytest
from agent_learning import AsyncClient, Client

from tests.clients.loops import run
from tests.clients.scripted_server import Answer, ScriptedServer

ARMS = [
    {"key": "control", "buckets": 5000, "config_id": "c-1", "is_control": True},
    {"key": "treatment", "buckets": 5000, "config_id": "c-2", "is_control": False},
]
EXPERIMENT = {
    "id": "x-1", "status": "running", "unit": "user", "local": True, "salt": "0" * 32, "coverage": 10_000,
    "layer": None, "start": 0, "size": 10_000, "arms": ARMS, "testers": {},
}  # fmt: skip
CONFIG = {"config_id": "c-9", "config_number": 9, "content": {}, "agent_id": "support", "variant": "treatment"}


def rules(**changes: Any) -> Answer:
    agent = {
        "id": "a-1", "agent_id": "support", "serving_config_id": "c-1", "experiments": [EXPERIMENT | changes],
        "deployment": None,
    }  # fmt: skip
    content = {"system_prompt": "Hi", "parameters": {"temperature": 0.5, "max_tokens": 16}}
    configs = {f"c-{n}": {"number": n, "content": content} for n in (1, 2)}
    return Answer(200, {"buckets": 10_000, "agents": [agent], "layers": {}, "configs": configs}, {"ETag": '"1"'})


def client(server: ScriptedServer, **options: Any) -> Client:
    return Client(server.url, "sk_test", timeout=2, sleep=lambda seconds: None, local=True, **options)


def test_users_are_assigned_without_a_request_for_each(server: ScriptedServer) -> None:
    server.answers.append(rules())
    learning = client(server)
    configs = [learning.config("support", f"user-{number}") for number in range(100)]
    assert {config.variant for config in configs} == {"control", "treatment"}
    # python -c "import hashlib; print(int(hashlib.sha256(b'0'*32 + b':variant:user-1').hexdigest()[:16], 16) % 10000)"
    assert learning.config("support", "user-1").variant == "control"  # 3336, as docs/assignment.md says
    assert (configs[0].experiment_id, configs[0].content["system_prompt"]) == ("x-1", "Hi")
    assert [sent.path for sent in server.sent] == ["/api/learning/ruleset"]


def test_exposures_travel_in_a_batch_each_unit_once(server: ScriptedServer) -> None:
    server.answers.append(rules())
    learning = client(server)
    for user in ("a", "b", "a"):
        config = learning.config("support", user, expose=True)
    assert learning.flush()
    items = next(iter(items for path, items in server.items.items() if "exposures" in path))
    assert [(item["unit_id"], item["experiment_id"]) for item in items] == [("a", "x-1"), ("b", "x-1")]
    assert items[0]["variant"] == config.variant


def test_a_bandit_and_an_unknown_agent_are_asked_for(server: ScriptedServer) -> None:
    server.answers.extend([rules(local=False), Answer(200, CONFIG), Answer(200, CONFIG | {"agent_id": "other"})])
    learning = client(server)
    assert learning.config("support", "user-1", session_id="s").id == "c-9"
    assert learning.config("other", "user-1").agent_id == "other"
    assert server.sent[1].path == "/api/learning/agents/support/config?user_id=user-1&session_id=s"


def test_rules_that_are_old_serve_while_newer_ones_are_got(server: ScriptedServer) -> None:
    server.answers.extend([rules(), rules(status="paused")])
    learning = client(server, config_ttl=0.05)
    assert learning.config("support", "user-1").variant
    deadline = time.monotonic() + 5
    while learning.config("support", "user-1").variant and time.monotonic() < deadline:
        time.sleep(0.02)
    assert learning.config("support", "user-1").variant == ""
    assert server.sent[1].headers["if-none-match"] == '"1"'


def test_while_the_server_is_away_the_default_serves(server: ScriptedServer) -> None:
    from agent_learning import AgentConfig

    server.stop()
    own = AgentConfig(id="", number=0, content={})
    assert client(server).config("support", "user-1", default=own) is own


def test_a_unit_of_a_megabyte_is_refused_and_sent_nowhere(server: ScriptedServer) -> None:
    server.answers.append(rules())
    with pytest.raises(ValueError, match="at most 200"):
        client(server).config("support", "x" * 1_000_000)
    assert len(server.sent) == 1


def test_the_async_client_assigns_too(server: ScriptedServer) -> None:
    server.answers.append(rules())

    async def ask() -> str:
        async with AsyncClient(server.url, api_key="sk_test", local=True) as learning:
            return (await learning.config("support", "user-1")).variant

    assert run(ask()) == "control"


def test_openfeature_reads_an_agent_as_a_flag(server: ScriptedServer) -> None:
    from agent_learning.openfeature import LearningProvider
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    server.answers.append(rules())
    learning = client(server)
    api.set_provider(LearningProvider(learning))
    flags, who = api.get_client(), EvaluationContext(targeting_key="user-1")
    details = flags.get_object_details("support", {}, who)
    assert (details.variant, details.value["system_prompt"], details.reason) == ("control", "Hi", "SPLIT")
    assert flags.get_string_value("support.system_prompt", "", who) == "Hi"
    assert flags.get_float_value("support.parameters.temperature", 0.0, who) == 0.5
    assert flags.get_integer_value("support.parameters.max_tokens", 0, who) == 16
    wrong = flags.get_boolean_details("support.system_prompt", False, who)
    assert (wrong.value, wrong.error_code) == (False, "TYPE_MISMATCH")
    missing = flags.get_string_details("support.voice", "none", who)
    assert (missing.value, missing.error_code) == ("none", "FLAG_NOT_FOUND")
    api.shutdown()
    assert learning.counts.stored == 1
