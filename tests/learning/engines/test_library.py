"""The optimizer for those who use it from a script of their own, without Django."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from learning.engines.callables import FunctionModel, as_model, as_text
from learning.engines.errors import Cancelled, ModelUnavailable
from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer
from learning.engines.protocols import LanguageModel
from learning.engines.types import Budget, CompletionRequest, Message
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples

ROOT = Path(__file__).resolve().parents[3]
CHAT: list[Message] = [
    {"role": "system", "content": "Label."},
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b"},
    {"role": "user", "content": "c"},
]
# Whatever imports one of these fails.
WITHOUT_DJANGO = """
import sys
for name in ("django", "celery", "openai", "rest_framework"):
    sys.modules[name] = None
"""


def test_the_example_in_the_docs_runs_without_django() -> None:
    page = (ROOT / "docs" / "extender.md").read_text(encoding="utf-8")
    section = page.split("## The prompt optimizer as a library")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DJANGO + found.group(1)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("improved Difference(mean=1.0")


def answer(request: CompletionRequest) -> str:
    return needs_examples(request)


def test_a_function_of_messages_does_what_a_language_model_does() -> None:
    def function(messages: list[Message]) -> str:
        return needs_examples(CompletionRequest(tuple(messages)))

    def run(model):  # type: ignore[no-untyped-def]
        optimizer = PromptOptimizer(model=model, metric=exact, budget=Budget(340), seed=4)
        return optimizer.optimize(CURRENT, make_examples(60, 40, 60))

    own, pure = run(function), run(PureModel(needs_examples))
    assert own.candidate == pure.candidate is not None
    assert own.improvement == pure.improvement
    assert run(as_model(function, workers=4)).improvement == pure.improvement


def test_a_function_of_one_text_gets_the_chat_as_a_text() -> None:
    seen: list[str] = []

    def function(text: str) -> str:
        seen.append(text)
        return "d"

    (completion,) = as_model(function).complete_many([CompletionRequest(tuple(CHAT))])
    assert completion.text == "d"
    assert seen == ["Label.\n\nUser: a\n\nAssistant: b\n\nUser: c\n\nAssistant:"] == [as_text(CHAT)]


def test_a_function_without_an_annotation_and_a_builtin_get_messages() -> None:
    assert (
        as_model(lambda messages: messages[-1]["content"]).complete_many([CompletionRequest(tuple(CHAT))])[0].text
        == "c"
    )
    assert as_model(str).complete_many([CompletionRequest(tuple(CHAT))])[0].text.startswith("[{")


def test_a_call_that_raises_is_refused_and_the_rest_goes_on() -> None:
    def function(messages: list[Message]) -> str:
        if "c" in messages[-1]["content"]:
            raise TimeoutError("too slow")
        return "fine"

    other = [{**CHAT[-1], "content": "x"}]
    first, second = FunctionModel(function).complete_many(
        [CompletionRequest(tuple(CHAT)), CompletionRequest(tuple(other))]
    )  # type: ignore[arg-type]
    assert (first.text, first.error) == ("", "TimeoutError: too slow")
    assert (second.text, second.error) == ("fine", "")


def test_a_function_that_always_raises_is_a_failure_and_not_a_score() -> None:
    def function(messages: list[Message]) -> str:
        raise ConnectionError("no network")

    with pytest.raises(ModelUnavailable, match="no network"):
        PromptOptimizer(model=function, metric=exact, budget=Budget(340)).optimize(CURRENT, make_examples(60, 40, 60))


def test_a_function_may_stop_the_run() -> None:
    def function(messages: list[Message]) -> str:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        PromptOptimizer(model=function, metric=exact, budget=Budget(340)).optimize(CURRENT, make_examples(60, 40, 60))


def test_what_is_neither_a_model_nor_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match="a LanguageModel or a function"):
        as_model("gpt")  # type: ignore[arg-type]
    model: LanguageModel = PureModel(answer)
    assert as_model(model) is model


def test_what_watches_a_search_hears_how_the_leader_does() -> None:
    heard: list[dict[str, object]] = []
    optimizer = PromptOptimizer(
        model=PureModel(needs_examples), metric=exact, budget=Budget(340), observe=lambda figures: heard.append(figures)
    )
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert heard[-1]["trace"] == result.as_json()["trace"]
    calls = [point["calls"] for point in result.trace]
    assert calls == sorted(calls)
    assert [len(each["trace"]) for each in heard] == list(range(1, len(heard) + 1))  # type: ignore[arg-type]
