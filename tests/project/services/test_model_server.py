"""The local language model, started for real."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from project.services.local_model import ModelServer, free_port, served_models, serves

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with ModelServer(tmp_path_factory.mktemp("model") / "model.log") as server:
        yield server


def ask(model: ModelServer, messages: list[dict[str, str]]) -> dict[str, object]:
    question = {"model": "smollm2-135m-instruct", "messages": messages, "temperature": 0, "seed": 1, "max_tokens": 8}
    answer = httpx.post(f"{model.url}/chat/completions", json=question, timeout=60)
    answer.raise_for_status()
    return answer.json()


def test_it_lists_itself_under_its_alias(model: ModelServer) -> None:
    assert served_models(model.url) == ["smollm2-135m-instruct"]


def test_it_answers_a_chat_of_ten_examples_with_one_of_their_labels(model: ModelServer) -> None:
    reviews = [("I loved every minute of it", "positive"), ("A dull and empty film", "negative")] * 5
    turns = [
        {"role": role, "content": text}
        for review, label in reviews
        for role, text in (("user", review), ("assistant", label))
    ]
    answer = ask(model, [*turns, {"role": "user", "content": "What a wonderful story"}])
    assert answer["choices"][0]["message"]["content"] == "positive"  # type: ignore[index]


def test_the_same_question_gets_the_same_answer(model: ModelServer) -> None:
    chat = [{"role": "user", "content": "Name a colour."}]
    assert ask(model, chat)["choices"][0]["message"] == ask(model, chat)["choices"][0]["message"]  # type: ignore[index]


def test_a_prompt_longer_than_a_slot_is_refused_and_the_server_lives_on(model: ModelServer) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        ask(model, [{"role": "user", "content": "word " * 6000}])
    assert serves(model.url)


def test_no_page_of_another_address_may_read_its_answers(model: ModelServer) -> None:
    request = urllib.request.Request(f"{model.url}/models", headers={"Origin": "https://elsewhere.example"})
    with urllib.request.urlopen(request, timeout=5) as response:
        assert not response.headers.get("Access-Control-Allow-Origin")


def test_nothing_is_served_where_nobody_listens() -> None:
    assert not serves(f"http://127.0.0.1:{free_port()}/v1")


def test_it_ends_with_its_block(tmp_path: Path) -> None:
    with ModelServer(tmp_path / "model.log") as server:
        address = server.url
        assert serves(address)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/models", timeout=2)
