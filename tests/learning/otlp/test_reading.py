"""What one span says, in each of the conventions, old and new."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.otlp.messages import ToolCall
from learning.otlp.reading import Reading, from_json, kind_of, read_span, to_json
from learning.otlp.spans import Event, Span


def span(attributes: dict[str, Any], events: Any = (), **values: Any) -> Span:
    given: dict[str, Any] = {"name": "span", "started": 1, "ended": 2} | values
    return Span("t" * 32, "s" * 16, "", attributes=attributes, events=tuple(events), **given)


CALL = {"id": "c-1", "function": {"name": "track", "arguments": '{"parcel": 7}'}}
CURRENT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "small",
    "gen_ai.response.model": "small-1",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.conversation.id": "s-1",
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Hello"}]},
            {"role": "assistant", "parts": [{"type": "text", "content": "Hi"}]},
            {"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c-1", "name": "track", "arguments": {"parcel": 7}}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-1", "response": "Lyon"}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "In Lyon."}], "finish_reason": "stop"}]
    ),
}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
]


def check_conversation(reading: Reading) -> None:
    assert (reading.kind, reading.input, reading.output) == ("llm", "Where is it?", "In Lyon.")
    assert list(reading.history) == HISTORY
    assert list(reading.asked) == [ToolCall("track", "c-1", {"parcel": 7})]
    assert reading.answers == {"c-1": "Lyon"}
    assert (reading.input_tokens, reading.output_tokens) == (12, 3)


def test_the_current_genai_attributes() -> None:
    reading = read_span(span(CURRENT))
    check_conversation(reading)
    assert (reading.model, reading.provider, reading.session) == ("small-1", "openai", "s-1")


def test_the_current_genai_attributes_on_an_event() -> None:
    texts = ("gen_ai.system_instructions", "gen_ai.input.messages", "gen_ai.output.messages")
    event = Event("gen_ai.client.inference.operation.details", {name: CURRENT[name] for name in texts})
    check_conversation(read_span(span({name: value for name, value in CURRENT.items() if name not in texts}, [event])))


def test_genai_messages_that_are_structured_values_and_no_json() -> None:
    structured = {name: json.loads(value) if str(value)[:1] == "[" else value for name, value in CURRENT.items()}
    check_conversation(read_span(span(structured)))


def test_genai_messages_as_one_event_each() -> None:
    events = [
        Event("gen_ai.system.message", {"content": "Be brief."}),
        Event("gen_ai.user.message", {"content": "Hello"}),
        Event("gen_ai.assistant.message", {"gen_ai.event.content": '{"content": "Hi"}'}),
        Event("gen_ai.user.message", {"content": "Where is it?"}),
        Event("gen_ai.assistant.message", {"tool_calls": json.dumps([CALL])}),
        Event("gen_ai.tool.message", {"content": "Lyon", "id": "c-1"}),
        Event("gen_ai.choice", {"index": 0, "message": '{"role": "assistant", "content": "In Lyon."}'}),
    ]
    usage = {"gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 3}
    check_conversation(read_span(span({"gen_ai.operation.name": "chat"} | usage, events)))


def test_the_first_genai_events_with_all_messages_in_one() -> None:
    prompt = [*HISTORY, {"role": "user", "content": "Where is it?"}, {"role": "assistant", "tool_calls": [CALL]},
              {"role": "tool", "tool_call_id": "c-1", "content": "Lyon"}]  # fmt: skip
    events = [
        Event("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(prompt)}),
        Event("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "In Lyon."}]'}),
    ]
    usage = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3}
    check_conversation(read_span(span({"gen_ai.system": "x", "gen_ai.request.model": "small"} | usage, events)))


def test_openllmetry_attributes() -> None:
    attributes = {
        "gen_ai.system": "OpenAI", "gen_ai.request.model": "small", "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "Hello",
        "gen_ai.prompt.2.role": "assistant", "gen_ai.prompt.2.content": "Hi",
        "gen_ai.prompt.3.role": "user", "gen_ai.prompt.3.content": '[{"type": "text", "text": "Where is it?"}]',
        "gen_ai.prompt.4.role": "assistant", "gen_ai.prompt.4.tool_calls.0.id": "c-1",
        "gen_ai.prompt.4.tool_calls.0.name": "track", "gen_ai.prompt.4.tool_calls.0.arguments": '{"parcel": 7}',
        "gen_ai.prompt.10.role": "tool", "gen_ai.prompt.10.tool_call_id": "c-1", "gen_ai.prompt.10.content": "Lyon",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "In Lyon.",
        "gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 3,
    }  # fmt: skip
    check_conversation(read_span(span(attributes)))


def test_openinference_attributes() -> None:
    attributes = {
        "openinference.span.kind": "LLM", "llm.model_name": "small", "llm.provider": "local",
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "Hello",
        "llm.input_messages.2.message.role": "assistant", "llm.input_messages.2.message.content": "Hi",
        "llm.input_messages.3.message.role": "user",
        "llm.input_messages.3.message.contents.0.message_content.type": "text",
        "llm.input_messages.3.message.contents.0.message_content.text": "Where is it?",
        "llm.input_messages.3.message.contents.1.message_content.type": "image",
        "llm.input_messages.4.message.role": "assistant",
        "llm.input_messages.4.message.tool_calls.0.tool_call.id": "c-1",
        "llm.input_messages.4.message.tool_calls.0.tool_call.function.name": "track",
        "llm.input_messages.4.message.tool_calls.0.tool_call.function.arguments": '{"parcel": 7}',
        "llm.input_messages.5.message.role": "tool", "llm.input_messages.5.message.content": "Lyon",
        "llm.input_messages.5.message.tool_call_id": "c-1",
        "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "In Lyon.",
        "llm.token_count.prompt": 12, "llm.token_count.completion": 3, "llm.cost.total": 0.0125,
        "input.value": "not used", "session.id": "s-1", "user.id": "u-1", "metadata": '{"channel": "web"}',
        "tag.tags": '["beta"]',
    }  # fmt: skip
    reading = read_span(span(attributes))
    check_conversation(reading)
    assert (reading.cost, reading.session, reading.user) == (0.0125, "s-1", "u-1")
    assert reading.metadata == {"channel": "web", "tags": ["beta"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Where?", "Where?"),
        ('"Where?"', "Where?"),
        ('{"input": "Where?", "language": "en"}', "Where?"),
        ('{"args": [], "kwargs": {}, "question": "Where?"}', "Where?"),
        ('{"anything": "Where?"}', "Where?"),
        ('{"messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "Where?"}]}', "Where?"),
        ('{"input": {"messages": [["Where?"]]}}', "Where?"),
        ('{"one": 1, "two": 2}', '{"one": 1, "two": 2}'),
        ("{no json", "{no json"),
        (7, "7"),
    ],
)
def test_the_text_inside_of_what_frameworks_write_down(value: Any, text: str) -> None:
    assert read_span(span({"openinference.span.kind": "CHAIN", "input.value": value})).input == text


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
        ({"gen_ai.operation.name": "embeddings"}, ""),
        ({"gen_ai.operation.name": "create_agent"}, ""),
        ({"openinference.span.kind": "AGENT", "gen_ai.operation.name": "chat"}, "agent"),
        ({"openinference.span.kind": "EMBEDDING"}, ""),
        ({"openinference.span.kind": "retriever"}, "retriever"),
        ({"traceloop.span.kind": "workflow"}, "chain"),
        ({"gen_ai.system": "x", "gen_ai.request.model": "e", "llm.request.type": "embedding"}, ""),
        ({"http.request.method": "POST"}, ""),
        ({"openinference.span.kind": 7}, ""),
    ],
)
def test_what_kind_a_span_is(attributes: dict[str, Any], kind: str) -> None:
    assert kind_of(span(attributes)) == kind


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "track",
            "gen_ai.tool.call.id": "c-1",
            "gen_ai.tool.call.arguments": '{"parcel": 7}',
            "gen_ai.tool.call.result": "Lyon",
        },
        {
            "openinference.span.kind": "TOOL",
            "tool.name": "track",
            "tool_call.id": "c-1",
            "input.value": '{"parcel": 7}',
            "output.value": "Lyon",
        },
    ],
)
def test_a_tool_that_ran(attributes: dict[str, Any]) -> None:
    assert read_span(span(attributes)).tool == ToolCall("track", "c-1", {"parcel": 7}, "Lyon")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{"mean": NaN, "n": [1, -Infinity, 1e999]}', {"mean": None, "n": [1, None, None]}),
        (r'{"a\u0000": "\u0000b\ud800"}', {"a\ufffd": "\ufffdb\ufffd"}),
        ("[" * 40 + "]" * 40, "[" * 40 + "]" * 40),
    ],
)
def test_json_in_a_text_is_kept_as_far_as_it_can_be_stored(said: str, kept: Any) -> None:
    given = {"gen_ai.tool.call.arguments": said, "gen_ai.tool.call.result": said}
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track"} | given
    assert read_span(span(attributes)).tool == ToolCall("track", "", kept, kept)


def test_documents_have_ranks_and_without_an_id_the_hash_of_their_text() -> None:
    attributes = {
        "openinference.span.kind": "RETRIEVER", "input.value": "parcels",
        "retrieval.documents.1.document.content": "secret text", "retrieval.documents.1.document.score": "0.25",
        "retrieval.documents.0.document.id": "d-1", "retrieval.documents.2.document.metadata": "{}",
    }  # fmt: skip
    reading = read_span(span(attributes))
    first, second = reading.documents
    assert (reading.query, first.id, first.rank, first.score) == ("parcels", "d-1", 1, None)
    assert (second.id[:7], second.rank, second.score) == ("sha256:", 2, 0.25)
    assert "secret text" not in json.dumps(to_json(reading))
    current = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.query.text": "parcels",
        "gen_ai.retrieval.documents": '[{"id": "d-1", "score": 0.9}]',
    }
    (only,) = read_span(span(current)).documents
    assert (only.id, only.rank, only.score) == ("d-1", 1, 0.9)


def test_what_was_raised_is_told() -> None:
    raised = Event("exception", {"exception.type": "ValueError", "exception.message": "no model"})
    reading = read_span(span({"gen_ai.operation.name": "chat"}, [raised], failed=True))
    assert (reading.failed, reading.error) == (True, {"type": "ValueError", "message": "no model"})


def test_texts_are_bounded_and_the_newest_history_is_kept() -> None:
    messages = [{"role": "user", "content": f"{n} " + "x" * 90_000} for n in range(5)]
    reading = read_span(span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages}))
    assert reading.input.startswith("4 ")
    assert [one["content"][:2] for one in reading.history] == ["3 "]


def test_numbers_that_make_no_sense_are_left_out() -> None:
    for value in (-1, float("nan"), float("inf"), 10**12, "many", None, [1], 2**70):
        reading = read_span(span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": value}))
        assert reading.input_tokens is None


NAMES = st.sampled_from(
    [
        *CURRENT, "openinference.span.kind", "input.value", "output.value", "metadata", "tag.tags", "tool.name",
        "llm.input_messages.0.message.role", "llm.input_messages.0.message", "llm.input_messages.0",
        "llm.input_messages.0.message.contents.0.message_content.text", "llm.output_messages.1.message.tool_calls.0",
        "gen_ai.prompt", "gen_ai.prompt.0.content", "gen_ai.completion.0.tool_calls.0.name", "retrieval.documents",
        "retrieval.documents.0.document", "retrieval.documents.0.document.score", "gen_ai.retrieval.documents",
        "gen_ai.tool.call.arguments", "gen_ai.response.finish_reasons", "traceloop.span.kind", "traceloop.entity.input",
        "content", "message", "tool_calls", "gen_ai.event.content", "error.type", "agent.name", "user.id", "",
    ]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(
    ["LLM", "TOOL", "RETRIEVER", "AGENT", "chat", "execute_tool", "retrieval", "[]", "{}", "[{}]", '{"messages": [1]}',
     '{"a": NaN}']
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "parts", "content", "type", "document", "tool_calls", "x"]), inner)
    ),
    max_leaves=8,
)
EVENTS = st.sampled_from(
    ["gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message", "gen_ai.content.prompt", "exception"]
)


@given(
    st.dictionaries(NAMES, VALUES),
    st.lists(st.tuples(EVENTS, st.dictionaries(NAMES, VALUES)), max_size=3),
    st.booleans(),
)
def test_whatever_a_span_says_it_is_read_and_kept(attributes: Any, events: Any, failed: bool) -> None:
    reading = read_span(span(attributes, [Event(*event) for event in events], failed=failed))
    kept = json.loads(json.dumps(to_json(reading), allow_nan=False))
    assert to_json(from_json(kept)) == kept
