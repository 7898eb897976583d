"""The client of language models, over real HTTP to a scripted server."""

from __future__ import annotations

import threading
import time

import pytest

from learning.engines.errors import BudgetExceeded, Cancelled, ModelUnavailable
from learning.engines.types import CompletionRequest, Message
from learning.llm import OpenAIModel, RetryPolicy
from learning.llm_cache import MemoryCache, cache_key
from tests.scripted_llm import Fault, ScriptedLLM


def ask(text: str, **parameters: object) -> CompletionRequest:
    return CompletionRequest((Message(role="user", content=text),), parameters=parameters)


def echo(messages: list[dict[str, str]]) -> str:
    return "you said " + messages[-1]["content"]


def connect(server: ScriptedLLM, **options: object) -> OpenAIModel:
    options = {"retry": RetryPolicy(attempts=3, first_wait=0.01), "timeout": 5.0, **options}
    return OpenAIModel(base_url=server.base_url, api_key="", model="scripted", **options)  # type: ignore[arg-type]


def test_an_answer_carries_text_and_tokens() -> None:
    with ScriptedLLM(echo) as server:
        answer = connect(server).complete(ask("good day", temperature=0, seed=1))
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("you said good day", 2, 4)
    assert server.calls[0]["model"] == "scripted"
    assert server.calls[0]["seed"] == 1


def test_answers_come_in_the_order_of_the_requests() -> None:
    def slow_first(messages: list[dict[str, str]]) -> str:
        time.sleep(0.2 if messages[-1]["content"] == "0" else 0)
        return messages[-1]["content"]

    with ScriptedLLM(slow_first) as server:
        answers = connect(server, concurrency=4).complete_many([ask(str(n)) for n in range(8)])
    assert [answer.text for answer in answers] == [str(n) for n in range(8)]


def test_no_more_calls_run_at_once_than_allowed() -> None:
    with ScriptedLLM(echo, delay=0.05) as server:
        connect(server, concurrency=3).complete_many([ask(str(n)) for n in range(12)])
    assert server.most_at_once == 3


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_passing_fault_is_tried_again(status: int) -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(status), Fault(status))
        model = connect(server)
        assert model.complete(ask("x")).text == "you said x"
    assert (model.meter.calls, model.meter.requests, len(server.calls)) == (1, 3, 3)


def test_the_server_decides_how_long_to_wait() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(429, retry_after=0.6))
        began = time.monotonic()
        connect(server).complete(ask("x"))
    assert 0.6 <= time.monotonic() - began < 2


def test_a_server_that_wants_to_be_left_alone_for_hours_is_reported() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(503, retry_after=9999))
        with pytest.raises(ModelUnavailable, match="asks to wait 9999 seconds"):
            connect(server).complete(ask("x"))
    assert len(server.calls) == 1


def test_a_wait_of_less_than_a_second_is_not_told_as_none() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(*[Fault(503, retry_after=0.04)] * 9)
        with pytest.raises(ModelUnavailable, match=r"asks to wait 0\.1 seconds"):
            connect(server).complete(ask("x"))


def test_many_refusals_for_being_asked_too_often_are_waited_out() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(*[Fault(429)] * 6)
        assert connect(server).complete(ask("x")).text == "you said x"


def test_one_refusal_for_being_asked_too_often_makes_every_call_wait() -> None:
    with ScriptedLLM(echo, delay=0.05) as server:
        model = connect(server, concurrency=4)
        server.fail_next(Fault(429, retry_after=0.8))
        began = time.monotonic()
        model.complete_many([ask(str(n)) for n in range(12)])
        took = time.monotonic() - began
    # Those that were under way came back; the rest waited with the one that was refused.
    assert took >= 0.8 + 2 * 0.05
    assert server.answered == 12


def test_waits_double_and_spread() -> None:
    policy = RetryPolicy(attempts=9, first_wait=1, longest_wait=10)
    assert [policy.wait(n, None, jitter=1) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]
    assert policy.wait(3, None, jitter=0) == 2


def test_a_timeout_is_tried_again_and_then_reported() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(*[Fault(200, delay=1.0)] * 2)
        model = connect(server, timeout=0.1, retry=RetryPolicy(2, first_wait=0.01))
        with pytest.raises(ModelUnavailable, match="failed 2 times"):
            model.complete(ask("x"))


def test_a_try_that_timed_out_is_a_call_because_it_may_be_paid_for() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(200, delay=0.5))
        model = connect(server, timeout=0.1, limit=5)
        model.complete(ask("x"))
        assert (model.meter.calls, len(server.calls)) == (2, 2)
        server.fail_next(*[Fault(200, delay=0.5)] * 9)
        impatient = connect(server, timeout=0.1, limit=2, retry=RetryPolicy(9, first_wait=0.01))
        with pytest.raises(BudgetExceeded):
            impatient.complete(ask("y"))
    assert len(server.calls) == 4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_address_fails_at_once(status: int) -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(status))
        with pytest.raises(ModelUnavailable):
            connect(server).complete(ask("x"))
    assert len(server.calls) == 1


def test_a_server_that_is_not_there_is_reported() -> None:
    model = OpenAIModel(base_url="http://127.0.0.1:9/v1", api_key="", model="m", retry=RetryPolicy(1))
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9.*cannot connect"):
        model.complete(ask("x"))


def test_one_refused_request_does_not_stop_the_others() -> None:
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(400))
        answers = connect(server, concurrency=1).complete_many([ask("too long"), ask("fine")])
    assert answers[0].error
    assert answers[0].text == ""
    assert answers[1].text == "you said fine"


def test_a_known_answer_costs_no_call() -> None:
    cache = MemoryCache()
    with ScriptedLLM(echo) as server:
        first, second = connect(server, cache=cache), connect(server, cache=cache)
        first.complete(ask("x"))
        again = second.complete(ask("x"))
    assert (again.text, again.cached) == ("you said x", True)
    assert again.input_tokens > 0, "what it took when it was given"
    assert len(server.calls) == 1
    cost = second.meter.cost
    assert (second.meter.calls, cost.calls, cost.cached_calls, cost.input_tokens, cost.output_tokens) == (0, 1, 1, 0, 0)


def test_a_refusal_is_not_remembered() -> None:
    cache = MemoryCache()
    with ScriptedLLM(echo) as server:
        server.fail_next(Fault(400))
        model = connect(server, cache=cache)
        model.complete(ask("x"))
        assert model.complete(ask("x")).text == "you said x"


def test_equal_requests_of_one_batch_are_asked_once() -> None:
    with ScriptedLLM(echo) as server:
        answers = connect(server).complete_many([ask("x"), ask("y"), ask("x")])
    assert len(server.calls) == 2
    assert [answer.cached for answer in answers] == [False, False, True]


def test_everything_that_decides_the_answer_is_in_the_key() -> None:
    base = CompletionRequest((Message(role="user", content="x"),), "m", {"temperature": 0, "seed": 1, "max_tokens": 9})
    turn = Message(role="user", content="y")
    others = [
        CompletionRequest((turn,), base.model, base.parameters),
        CompletionRequest((Message(role="system", content="x"),), base.model, base.parameters),
        CompletionRequest(base.messages, "other", base.parameters),
        *[CompletionRequest(base.messages, base.model, {**base.parameters, k: 2}) for k in base.parameters],
    ]
    keys = {cache_key("http://a", base), cache_key("http://b", base), *[cache_key("http://a", one) for one in others]}
    assert len(keys) == 2 + len(others)
    reordered = CompletionRequest(base.messages, base.model, dict(reversed(base.parameters.items())))
    assert cache_key("http://a", reordered) == cache_key("http://a", base)


def test_the_limit_of_calls_is_never_passed_by_one() -> None:
    with ScriptedLLM(echo, delay=0.01) as server:
        model = connect(server, limit=5, concurrency=4)
        with pytest.raises(BudgetExceeded, match="5 calls"):
            model.complete_many([ask(str(n)) for n in range(20)])
        time.sleep(0.1)
        assert len(server.calls) == 5
        with pytest.raises(BudgetExceeded):
            model.complete(ask("again"))
        assert len(server.calls) == 5


def test_what_was_answered_before_a_failure_is_kept() -> None:
    cache = MemoryCache()
    with ScriptedLLM(echo) as server:
        with pytest.raises(BudgetExceeded):
            connect(server, limit=3, concurrency=1, cache=cache).complete_many([ask(str(n)) for n in range(5)])
        assert len(cache.answers) == 3


def test_somebody_waiting_can_stop_the_work() -> None:
    def impatient() -> None:
        raise Cancelled("enough")

    before = threading.active_count()
    with ScriptedLLM(echo, delay=0.2) as server:
        with pytest.raises(Cancelled):
            connect(server, concurrency=2).complete_many([ask(str(n)) for n in range(50)], tick=impatient)
        time.sleep(0.5)
        assert len(server.calls) <= 4
    assert threading.active_count() <= before + 2


def test_the_clock_ticks_while_the_model_thinks() -> None:
    ticks: list[float] = []
    with ScriptedLLM(echo, delay=2.2) as server:
        connect(server).complete_many([ask("x")], tick=lambda: ticks.append(time.monotonic()))
    assert len(ticks) >= 2
