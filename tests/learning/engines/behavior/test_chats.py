from __future__ import annotations

import pytest

from learning.engines.behavior.chats import episode_of_chat
from learning.engines.behavior.episodes import RESPOND, TOOL, USER

CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"order": "7"}'}}


def chat(*messages: dict) -> list[dict]:
    return [{"role": "system", "content": "be kind"}, *messages]


def test_a_chat_with_a_tool_call_becomes_steps_with_outcomes() -> None:
    episode = episode_of_chat(
        chat(
            {"role": "user", "content": "Where is order 7?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "Error: no such order"},
            {"role": "assistant", "content": "It is lost."},
        ),
        key="k",
        reward=0.0,
        group="task 1",
    )

    first, second = episode.steps
    assert (first.observation, first.source, first.action.name) == ("Where is order 7?", USER, "look_up")
    assert first.action.arguments == {"order": "7"}
    assert (first.outcome, first.failed) == ("Error: no such order", True)
    assert (second.observation, second.source) == ("Error: no such order", TOOL)
    assert (second.action.name, second.action.arguments) == (RESPOND, {"text": "It is lost."})
    assert episode.case == "task 1" and episode.success is False


def test_parallel_calls_get_their_own_outcomes_whatever_the_order() -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": {}}} for name in ("a", "b")]
    episode = episode_of_chat(
        [
            {"role": "user", "content": "both"},
            {"role": "assistant", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "b", "content": "of b"},
            {"role": "tool", "tool_call_id": "a", "content": "of a"},
        ],
        key="k",
    )

    assert [(step.action.name, step.outcome) for step in episode.steps] == [("a", "of a"), ("b", "of b")]
    assert [step.observation for step in episode.steps] == ["both", "both"]


def test_older_function_calls_and_content_parts_are_read() -> None:
    episode = episode_of_chat(
        [
            {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "image_url"}]},
            {"role": "assistant", "function_call": {"name": "greet", "arguments": "not json"}},
            {"role": "function", "name": "greet", "content": "hi"},
        ],
        key="k",
    )

    assert episode.steps[0].observation == "hello"
    assert episode.steps[0].action.arguments == {"raw": "not json"}
    assert episode.steps[0].outcome == "hi"


@pytest.mark.parametrize(
    "given",
    ['{"a": 1e999}', '{"a": [NaN]}', r'{"a": "\u0000"}', r'{"\ud800": 1}', '{"a":' * 40 + "1" + "}" * 40, "[" * 9_999],
)
def test_arguments_that_nobody_could_keep_stay_the_text_that_they_came_as(given: str) -> None:
    call = {"function": {"name": "look_up", "arguments": given}}
    (step,) = episode_of_chat([{"role": "assistant", "tool_calls": [call]}], key="k").steps
    assert step.action.arguments == {"raw": given}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"content": "hi"}], "Message 1 has no role"),
        ([{"role": "user", "content": "hi"}], "no message of an assistant"),
        ([{"role": "assistant", "tool_calls": [{"id": "x"}]}], "no function with a name"),
        ([{"role": "user", "content": 7}], "must be a text"),
    ],
)
def test_a_chat_that_cannot_be_read_is_refused_with_the_reason(messages: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        episode_of_chat(messages, key="k")
