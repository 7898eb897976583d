"""The client for an event loop: the same calls, awaited."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from agent_learning import AsyncClient, Background, Client, Refused, Unreachable

from tests.clients.loops import run
from tests.clients.scripted_server import Answer, ScriptedServer

CONFIG = {"config_id": "c-1", "config_number": 1, "content": {}, "agent_id": "support"}


def calls(client: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member).replace(return_annotation="")
        for name, member in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_have_the_same_calls_with_the_same_arguments() -> None:
    assert calls(Client) == calls(AsyncClient)


def awaited(server: ScriptedServer, work: Callable[[AsyncClient], Awaitable[Any]], **options: Any) -> Any:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def main() -> Any:
        async with AsyncClient(server.url, "sk_test", sleep=sleep, **options) as client:
            return await work(client)

    return run(main()), waits


def test_calls_wait_and_give_what_the_server_answers(server: ScriptedServer) -> None:
    async def work(client: AsyncClient) -> list[Any]:
        server.answers.append(Answer(200, CONFIG))
        config = await client.config("support", "u-1")
        return [
            config.id,
            await client.log_execution(agent="support", input="Hi", config=config),
            await client.correct("e-1", "Hello", user_id="u-1"),
            await client.thumbs_down("e-1"),
            len(await client.log_executions([{"agent": "support"}, {"agent": "support"}])),
        ]

    assert awaited(server, work)[0] == ["c-1", "e-1", "f-1", "f-1", 2]
    assert server.sent[1].body["config_id"] == "c-1"


def test_a_busy_server_is_asked_again_with_the_same_body(server: ScriptedServer) -> None:
    server.answers.extend([Answer(503, {"detail": "Busy."}, {"Retry-After": "3"}), Answer(0)])
    got, waits = awaited(server, lambda client: client.thumbs_up("e-1"))
    assert got == "f-1"
    assert len({sent.headers["idempotency-key"] for sent in server.sent}) == 1
    assert waits[0] == 3


def test_refusals_and_silence_are_raised(server: ScriptedServer) -> None:
    server.answers.append(Answer(400, {"detail": "No.", "errors": [{"field": "rating", "message": "Too high."}]}))
    with pytest.raises(Refused, match="rating: Too high"):
        awaited(server, lambda client: client.send_feedback("star_rating", execution_id="e-1", rating=9))
    server.stop()
    with pytest.raises(Unreachable, match="after 4 tries"):
        awaited(server, lambda client: client.thumbs_up("e-1"))


def test_in_the_background_the_loop_never_waits(server: ScriptedServer) -> None:
    async def work(client: AsyncClient) -> tuple[float, int]:
        slowest = 0.0
        for number in range(50):
            started = time.perf_counter()
            name = await client.log_execution(agent="support", input=str(number))
            await client.thumbs_up(name)
            slowest = max(slowest, time.perf_counter() - started)
        assert await asyncio.to_thread(client.flush)
        return slowest, client.counts.stored

    server.answers.extend([Answer(200, {"results": []}, after=0.3)])
    (slowest, stored), _ = awaited(server, work, background=Background(interval=0.01))
    assert slowest < 0.1
    assert stored == 100
