"""Endpoints that misbehave: each has a clear outcome, keeps to the budget, and loses nothing that was answered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from learning.engines.errors import ModelUnavailable
from learning.engines.types import CompletionRequest, Message
from learning.llm import OpenAIModel, RetryPolicy
from learning.llm_cache import MemoryCache
from learning.llm_http import LARGEST_ANSWER
from tests.scripted_llm import Fault, ScriptedLLM, chat

SOON = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05)


def ask(text: str) -> CompletionRequest:
    return CompletionRequest((Message(role="user", content=text),))


def connect(server: ScriptedLLM, **options: Any) -> OpenAIModel:
    options = {"retry": SOON, "timeout": 5.0, "concurrency": 1, **options}
    return OpenAIModel(base_url=server.base_url, api_key="sk-secret", model="scripted", **options)


@pytest.fixture
def server() -> Iterator[ScriptedLLM]:
    with ScriptedLLM(lambda messages: "you said " + messages[-1]["content"]) as started:
        yield started


def body(**changes: Any) -> bytes:
    """A completion with some of it replaced."""
    whole = chat({"model": "m", "messages": []}, "fine")
    return json.dumps(whole | changes).encode()


def message(content: Any, **changes: Any) -> bytes:
    return body(choices=[{"index": 0, "message": {"role": "assistant", "content": content}}], **changes)


def test_an_answer_that_cannot_be_read_is_asked_for_again_as_another_call(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=b"<html>gateway</html>"))
    model = connect(server)
    assert model.complete(ask("x")).text == "you said x"
    assert model.meter.calls == len(server.calls) == 2


@pytest.mark.parametrize("status", [504, 524])
def test_a_gateway_that_gave_up_waiting_may_have_been_answered_so_its_call_counts(
    server: ScriptedLLM, status: int
) -> None:
    server.fail_next(Fault(status))
    model = connect(server, limit=2)
    assert model.complete(ask("x")).text == "you said x"
    assert model.meter.calls == len(server.calls) == 2


@pytest.mark.parametrize(
    "content", [b'{"error": {"message": "no \\u0000 and no \\ud800"}}', b"\x00\xff binary"], ids=["in JSON", "binary"]
)
def test_an_error_says_nothing_that_a_database_cannot_keep(server: ScriptedLLM, content: bytes) -> None:
    server.fail_next(Fault(400, body=content))
    said = connect(server).complete(ask("x")).error
    assert "status 400" in said
    assert "\0" not in said
    assert said.encode()


NONSENSE = {
    "no JSON": b"{'single': quotes}",
    "nothing at all": b"",
    "a list": b"[1, 2]",
    "null": b"null",
    "no choices": body(choices=[]),
    "choices of texts": body(choices=["fine"]),
    "choices by name": body(choices={"0": "fine"}),
    "a number as the text": message(7),
    "parts without a text": message([{"type": "text"}]),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_a_request_whose_answers_make_no_sense_ends_alone(server: ScriptedLLM, content: bytes) -> None:
    cache = MemoryCache()
    server.fail_next(*[Fault(200, body=content)] * 2)
    model = connect(server, cache=cache)
    spoilt, fine = model.complete(ask("x")), model.complete(ask("fine"))
    assert "not a chat completion" in spoilt.error
    assert (spoilt.text, fine.text, model.meter.calls) == ("", "you said fine", 3)
    assert len(cache.answers) == 1, "what could not be read must not be remembered"


def test_an_endpoint_that_never_makes_sense_is_given_up_after_a_few_calls(server: ScriptedLLM) -> None:
    server.fail_next(*[Fault(200, body=b"<html>log in first</html>")] * 99)
    with pytest.raises(ModelUnavailable, match="log in first"):
        connect(server).complete_many([ask(str(number)) for number in range(50)])
    assert len(server.calls) <= 9


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_answer_is_an_answer(server: ScriptedLLM, content: str | None) -> None:
    server.fail_next(Fault(200, body=message(content)))
    answer = connect(server).complete(ask("x"))
    assert (answer.text, answer.error, len(server.calls)) == ("", "", 1)


def test_an_answer_in_parts_is_put_together(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=message([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])))
    assert connect(server).complete(ask("x")).text == "ab"


def test_what_a_database_cannot_keep_is_taken_out_of_an_answer(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=message("a\0b").replace(b"b", b"\\ud800b")))
    text = connect(server).complete(ask("x")).text
    assert "\0" not in text
    assert text.encode("utf-8")


def test_an_answer_of_a_megabyte_is_refused_with_the_reason_and_not_asked_for_again(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=message("x" * (LARGEST_ANSWER + 1))))
    model = connect(server)
    answers = model.complete_many([ask("long"), ask("short")])
    assert "longer than 1,000,000 bytes" in answers[0].error
    assert answers[1].text == "you said short"
    assert model.meter.calls == len(server.calls) == 2


def test_a_long_answer_within_the_bound_is_taken(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=message("x" * 900_000)))
    assert len(connect(server).complete(ask("x")).text) == 900_000


@pytest.mark.parametrize(
    "usage",
    [None, [], {"prompt_tokens": "9"}, {"prompt_tokens": -1, "completion_tokens": 1e99},
     {"prompt_tokens": 0, "completion_tokens": 0}],
)  # fmt: skip
def test_tokens_that_are_not_counted_or_impossibly_are_estimated_from_the_texts(
    server: ScriptedLLM, usage: Any
) -> None:
    server.fail_next(Fault(200, body=body(usage=usage)))
    model = connect(server)
    answer = model.complete(ask("x"))
    assert (answer.text, answer.input_tokens, answer.output_tokens, answer.estimated) == ("fine", 5, 2, True)
    assert model.meter.cost.estimated_calls == 1


def test_what_is_counted_is_not_estimated(server: ScriptedLLM) -> None:
    server.fail_next(Fault(200, body=body(usage={"prompt_tokens": 9, "completion_tokens": 3})))
    server.fail_next(Fault(200, body=message("", usage={"prompt_tokens": 9, "completion_tokens": 0})))
    server.fail_next(Fault(200, body=body(usage={"prompt_tokens": 9})))
    whole, empty, half = connect(server).complete_many([ask("a"), ask("b"), ask("c")])
    assert (whole.input_tokens, whole.output_tokens, whole.estimated) == (9, 3, False)
    assert (empty.output_tokens, empty.estimated) == (0, False)
    assert (half.input_tokens, half.output_tokens, half.estimated) == (9, 2, True)


def test_a_key_is_never_repeated_in_a_reason(server: ScriptedLLM) -> None:
    server.fail_next(Fault(401, body=b'{"error": {"message": "no such key: sk-secret"}}'))
    with pytest.raises(ModelUnavailable, match=r"no such key: \*\*\*"):
        connect(server).complete(ask("x"))


def test_an_error_of_a_megabyte_is_told_in_a_few_words(server: ScriptedLLM) -> None:
    server.fail_next(Fault(403, body=b"no entry " * 200_000))
    with pytest.raises(ModelUnavailable, match="no entry") as refused:
        connect(server).complete(ask("x"))
    assert len(str(refused.value)) <= 500


def test_a_redirect_is_not_followed(server: ScriptedLLM) -> None:
    server.fail_next(Fault(307))
    with pytest.raises(ModelUnavailable, match="307"):
        connect(server).complete(ask("x"))
    assert len(server.calls) == 1


def test_an_address_that_is_none_is_reported() -> None:
    model = OpenAIModel(base_url="no address at all", api_key="", model="m", retry=SOON)
    with pytest.raises(ModelUnavailable, match="address"):
        model.complete(ask("x"))


def test_a_server_that_sends_a_byte_now_and_then_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip, args=(listener,), daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        model = OpenAIModel(base_url=address, api_key="", model="m", timeout=0.5, retry=RetryPolicy(1))
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="no answer in time"):
            model.complete(ask("x"))
    assert time.monotonic() - began < 3


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n")
        try:
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.1)
        except OSError:
            return
