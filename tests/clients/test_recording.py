"""Recording what an agent does, by a context manager and by decorators."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from agent_learning import AgentConfig, Background, Client, current, decided

from tests.clients.loops import run
from tests.clients.scripted_server import ScriptedServer

CONFIG = AgentConfig(id="c-7", number=7, content={}, variant="treatment")


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    with Client(server.url, "sk_test", background=Background(interval=0.01)) as made:
        yield made


@pytest.fixture
def recorded(client: Client, server: ScriptedServer) -> Any:
    """What arrived at the server, in the order of arrival."""

    def arrived() -> list[dict[str, Any]]:
        assert client.flush()
        return server.all_items("executions")

    return arrived


def test_a_block_is_recorded_with_its_duration_and_its_decisions(client: Client, recorded: Any) -> None:
    with client.record("support", input="Where is it?", user_id="u-1", config=CONFIG) as execution:
        execution.decide("route", output="tracking", alternatives=["search"], confidence=0.9, reasoning="a parcel")
        execution.output = "In Lyon."
        execution.input_tokens, execution.output_tokens, execution.cost = 120, 14, 0.0003
        time.sleep(0.02)
    (item,) = recorded()
    assert 20 <= item.pop("duration_ms") < 2000
    assert item.pop("started_at").endswith("+00:00")
    assert item == {
        "execution_id": execution.id,
        "agent_id": "support",
        "user_id": "u-1",
        "config_id": "c-7",
        "variant": "treatment",
        "input": "Where is it?",
        "output": "In Lyon.",
        "input_tokens": 120,
        "output_tokens": 14,
        "cost": 0.0003,
        "decisions": [
            {
                "decision_point": "route",
                "output": "tracking",
                "alternatives": ["search"],
                "confidence": 0.9,
                "reasoning": "a parcel",
            }
        ],
    }


def test_an_exception_is_recorded_as_failed_and_goes_on(client: Client, recorded: Any) -> None:
    with pytest.raises(ZeroDivisionError), client.record("support", input="Hi"):
        1 / 0  # noqa: B018
    (item,) = recorded()
    assert (item["status"], item["metadata"]) == (
        "failed",
        {"error": {"type": "ZeroDivisionError", "message": "division by zero"}},
    )
    assert current() is None


def test_a_function_is_recorded_with_its_only_argument_as_the_input(client: Client, recorded: Any) -> None:
    @client.recorded("support")
    def answer(question: str) -> str:
        """Answers."""
        execution = current()
        assert execution is not None
        execution.user_id = "u-9"
        return question.upper()

    assert (answer("why"), answer.__name__, answer.__doc__) == ("WHY", "answer", "Answers.")
    (item,) = recorded()
    assert (item["input"], item["output"], item["user_id"]) == ("why", "WHY", "u-9")


def test_arguments_are_named_and_texts_may_be_left_out(client: Client, recorded: Any) -> None:
    class Bot:
        @client.recorded("support", input_argument="question", user_argument="user", metadata={"channel": "web"})
        def answer(self, question: str, user: int, style: str = "short") -> dict[str, str]:
            return {"text": question}

    @client.recorded("secret", texts=False)
    def whisper(words: str) -> str:
        return words

    @client.recorded("all")
    def both(one: str, two: int = 2) -> None: ...

    Bot().answer("why", user=7)
    whisper("the password")
    both("x")
    first, second, third = recorded()
    assert (first["input"], first["output"], first["user_id"]) == ("why", '{"text": "why"}', "7")
    assert first["metadata"] == {"channel": "web"}
    assert "password" not in str(second)
    assert third["input"] == '{"one": "x", "two": 2}'


def test_a_wrong_call_raises_what_the_function_raises(client: Client, recorded: Any) -> None:
    @client.recorded("support")
    def answer(question: str) -> str:
        return question

    with pytest.raises(TypeError, match=r"answer\(\) missing 1 required positional argument"):
        answer()  # type: ignore[call-arg]
    assert recorded()[0]["status"] == "failed"


def test_a_stream_is_one_execution_that_ends_with_it(client: Client, recorded: Any) -> None:
    @client.recorded("support")
    def stream(question: str) -> Iterator[str]:
        for word in ("In ", "Lyon", "."):
            assert current() is not None
            time.sleep(0.01)
            yield word

    seen = []
    for word in stream("where"):
        assert current() is None  # the consumer's own code is not part of it
        seen.append(word)
    (item,) = recorded()
    assert ("".join(seen), item["output"], item.get("status")) == ("In Lyon.", "In Lyon.", None)
    assert item["duration_ms"] >= 30


def test_a_stream_that_is_left_early_is_cancelled_and_keeps_what_came(client: Client, recorded: Any) -> None:
    closed = []

    @client.recorded("support")
    def stream(question: str) -> Iterator[str]:
        try:
            yield "In "
            yield "Lyon"
        finally:
            closed.append(True)

    running = stream("where")
    next(running)
    running.close()
    (item,) = recorded()
    assert (item["status"], item["output"], closed) == ("cancelled", "In ", [True])


def test_a_generator_gets_what_is_sent_and_thrown_and_returns_its_value(client: Client, recorded: Any) -> None:
    @client.recorded("support")
    def talk() -> Any:
        said = []
        try:
            while True:
                said.append((yield len(said)))
        except KeyError:
            yield "caught"
        return said

    talking = talk()
    assert [next(talking), talking.send("a"), talking.send("b"), talking.throw(KeyError())] == [0, 1, 2, "caught"]
    with pytest.raises(StopIteration) as stop:
        next(talking)
    assert stop.value.value == ["a", "b"]
    assert recorded()[0]["output"] == '[0, 1, 2, "caught"]'


async def run_coroutines(client: Client) -> None:
    @decided("look_up")
    async def look_up(word: str) -> str:
        await asyncio.sleep(0.001)
        return f"{word}!"

    @client.recorded("support")
    async def answer(question: str) -> str:
        await asyncio.sleep(0.001)
        return await look_up(question)

    assert await asyncio.gather(*(answer(str(number)) for number in range(20))) == [f"{n}!" for n in range(20)]
    async with client.record("block", input="in") as execution:
        execution.output = await look_up("deep")


def test_tasks_that_run_together_keep_their_decisions_apart(client: Client, recorded: Any) -> None:
    run(run_coroutines(client))
    *answers, block = recorded()
    assert len(answers) == 20
    for item in answers:
        (decision,) = item["decisions"]
        assert decision == {
            "decision_point": "look_up",
            "input": {"word": item["input"]},
            "output": item["output"],
        }
    assert (block["agent_id"], block["output"]) == ("block", "deep!")


async def run_streams(client: Client) -> None:
    @client.recorded("support")
    async def stream(question: str) -> AsyncIterator[str]:
        for word in ("In ", "Lyon"):
            assert current() is not None
            await asyncio.sleep(0.001)
            yield word

    words = []
    async for word in stream("whole"):
        assert current() is None
        words.append(word)
    assert words == ["In ", "Lyon"]
    early = stream("early")
    await early.__anext__()
    await early.aclose()  # type: ignore[attr-defined]

    @client.recorded("support")
    async def slow(question: str) -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(slow("slow"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_async_streams_and_cancelled_tasks(client: Client, recorded: Any) -> None:
    run(run_streams(client))
    whole, early, slow = recorded()
    assert (whole["input"], whole["output"], whole.get("status")) == ("whole", "In Lyon", None)
    assert (early["output"], early["status"]) == ("In ", "cancelled")
    assert (slow["input"], slow["status"]) == ("slow", "cancelled")


def test_threads_keep_their_executions_apart(client: Client, recorded: Any) -> None:
    barrier = threading.Barrier(4)

    @decided()
    def look_up(word: str) -> str:
        return word * 2

    @client.recorded("support")
    def answer(word: str) -> str:
        barrier.wait(5)
        return look_up(word)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(answer, "abcd"))
    items = recorded()
    assert sorted((item["input"], item["decisions"][0]["output"]) for item in items) == [
        ("a", "aa"), ("b", "bb"), ("c", "cc"), ("d", "dd"),
    ]  # fmt: skip


def test_decisions_inside_decisions_stand_in_the_order_in_which_they_began(client: Client, recorded: Any) -> None:
    @decided()
    def inner() -> str:
        return "in"

    @decided("plan")
    def outer() -> str:
        return inner() + "side"

    @decided(texts=False)
    def hidden(secret: str) -> str:
        raise LookupError(secret[:1])

    with client.record("support"):
        outer()
        with pytest.raises(LookupError):
            hidden("secret")
    outer()  # outside of any execution it just runs
    (item,) = recorded()
    assert [(one["decision_point"], one.get("output")) for one in item["decisions"]] == [
        ("plan", "inside"), ("inner", "in"), ("hidden", {"error": "LookupError: s"}),
    ]  # fmt: skip


def test_an_execution_inside_another_names_it(client: Client, recorded: Any) -> None:
    with client.record("planner") as above, client.record("worker") as below:
        assert current() is below
    worker, planner = recorded()
    assert worker["metadata"] == {"parent_execution_id": above.id}
    assert "metadata" not in planner


def test_what_is_too_long_is_cut_and_says_so(client: Client, recorded: Any) -> None:
    with client.record("support", input="x" * 100_001) as execution:
        execution.decide("read", output="y" * 30_000)
        for _ in range(300):
            execution.decide("again")
    (item,) = recorded()
    assert (len(item["input"]), item["metadata"]) == (100_000, {"cut_to_length": ["input"]})
    assert len(item["decisions"][0]["output"]) == 10_000
    assert len(item["decisions"]) == 200


def test_what_cannot_be_written_down_breaks_nothing(client: Client, recorded: Any) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with client.record("support", input=circle) as execution:
        execution.decide("odd", input={(1, 2): "a key that is no text"})
    (item,) = recorded()
    assert item["input"] == '"[[...]]"'


def test_a_misspelt_name_is_told_at_once(client: Client) -> None:
    with pytest.raises(TypeError, match="ouput"):
        client.record("support", ouput="typo")  # type: ignore[call-arg]
    with client.record("support") as execution, pytest.raises(TypeError, match="reason"):
        execution.decide("x", reason="typo")
