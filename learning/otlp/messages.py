"""The messages of a conversation, in the several ways in which spans tell them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.otlp.spans import MAX_TEXT, Attributes, Event, Span, storable

MAX_MESSAGES = 1_000
DEEPEST = 32  # levels of JSON in a text; what is deeper stays the text
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}
OPERATION_DETAILS = "gen_ai.client.inference.operation.details"
MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


@dataclass(frozen=True)
class ToolCall:
    """A tool that a model asked for, or that ran. `id` may be ""."""

    name: str
    id: str = ""
    input: Any = None
    output: Any = None


@dataclass(frozen=True)
class Message:
    """One turn. `answers` is the id of the tool call that a tool's message answers."""

    role: str
    text: str
    calls: Sequence[ToolCall] = ()
    answers: str = ""


def input_messages(span: Span) -> list[Message]:
    """What the model was given, the oldest first; nothing when the span does not say."""
    system = _system_instructions(span)
    for found in (
        _listed(_anywhere(span, "gen_ai.input.messages")),
        _indexed(span.attributes, "llm.input_messages"),
        _indexed(span.attributes, "gen_ai.prompt"),
        [message for event in span.events if (message := _of_event(event)) is not None],
        _listed(_anywhere(span, "gen_ai.prompt")),
    ):
        if found:
            return [*system, *found][-MAX_MESSAGES:]
    return []


def output_messages(span: Span) -> list[Message]:
    """What the model answered."""
    for found in (
        _listed(_anywhere(span, "gen_ai.output.messages")),
        _indexed(span.attributes, "llm.output_messages"),
        _indexed(span.attributes, "gen_ai.completion"),
        [_choice(event) for event in span.events if event.name == "gen_ai.choice"],
        _listed(_anywhere(span, "gen_ai.completion")),
    ):
        if found:
            return [Message(one.role or "assistant", one.text, one.calls) for one in found[:MAX_MESSAGES]]
    return []


def as_text(value: Any) -> str:
    """Text as it is, the text of parts, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        texts = [part.get("text", part.get("content")) for part in value if part.get("type") in (None, "text")]
        if any(isinstance(text, str) for text in texts):
            return "\n".join(text for text in texts if isinstance(text, str))[:MAX_TEXT]
    return json.dumps(value, ensure_ascii=False, default=str)[:MAX_TEXT]


def parsed(value: Any) -> Any:
    """What a text of JSON holds, as far as it can be stored; any other text, and what is no text, as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return _kept(json.loads(value))
    except (ValueError, RecursionError):
        return value


def _kept(value: Any, depth: int = 0) -> Any:
    """The same as attributes are read: a number that is none (programs write NaN) is nothing. Raises ValueError."""
    if depth > DEEPEST:
        raise ValueError("It is nested too deeply.")
    if isinstance(value, dict):
        return {storable(name): _kept(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_kept(part, depth + 1) for part in value]
    if isinstance(value, str):
        return storable(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def nested(attributes: Attributes, prefix: str) -> list[Any]:
    """`prefix.0.message.role` and the like as a list of nested objects, in the order of their numbers."""
    tree: dict[str, Any] = {}
    start = len(prefix) + 1
    for name, value in attributes.items():
        if name.startswith(prefix + ".") and name[start : start + 1].isdigit():
            place = tree
            *way, last = name[start:].split(".")[:8]
            for step in way:
                below = place.setdefault(step, {})
                if not isinstance(below, dict):
                    break
                place = below
            else:
                place[last] = value
    places = sorted((name for name in tree if _is_place(name)), key=int)
    return [_lists(tree[name]) for name in places[:MAX_MESSAGES]]


def _lists(tree: Any) -> Any:
    """Objects whose names are all numbers become lists."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(_is_place(name) for name in tree):
        return [_lists(tree[name]) for name in sorted(tree, key=int)]
    return {name: _lists(value) for name, value in tree.items()}


def _is_place(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 10


def _anywhere(span: Span, name: str) -> Any:
    """As an attribute of the span, or of an event that tells the same."""
    value = span.first(name)
    if value is not None:
        return parsed(value)
    for event in span.events:
        if event.name in (OPERATION_DETAILS, "gen_ai.content.prompt", "gen_ai.content.completion"):
            value = event.attributes.get(name)
            if value:
                return parsed(value)
    return None


def _system_instructions(span: Span) -> list[Message]:
    parts = _anywhere(span, "gen_ai.system_instructions")
    text = as_text(parts)
    return [Message("system", text)] if text else []


def _listed(value: Any) -> list[Message]:
    """A list of messages, one message, or a bare text."""
    if value is None:
        return []
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    given = value if isinstance(value, list) else [value]
    return [message for one in given[:MAX_MESSAGES] if (message := _message(one)) is not None]


def _indexed(attributes: Attributes, prefix: str) -> list[Message]:
    found = nested(attributes, prefix)
    return [message for one in found if (message := _message(one)) is not None] if isinstance(found, list) else []


def _message(value: Any, role: str = "") -> Message | None:
    if isinstance(value, str):
        return Message(role or "user", value)
    if not isinstance(value, Mapping):
        return None
    inner = value.get("message")
    if isinstance(inner, Mapping):
        return _message(inner, str(value.get("role") or role))
    said = str(value.get("role") or value.get("type") or role)
    said = ROLES.get(said, said)
    parts = value.get("parts")
    if isinstance(parts, list):
        return _of_parts([part for part in parts if isinstance(part, Mapping)], said)
    content = parsed(value.get("content")) if str(value.get("content", ""))[:2] == "[{" else value.get("content")
    text = as_text(content if content is not None else _contents(value.get("contents")))
    calls = list(_calls(value.get("tool_calls")))
    return Message(said, text, calls, str(value.get("tool_call_id") or value.get("id") or "") if said == "tool" else "")


def _contents(contents: Any) -> Any:
    """OpenInference's parts of a message."""
    if not isinstance(contents, list):
        return None
    parts = [one.get("message_content") for one in contents if isinstance(one, Mapping)]
    return [part for part in parts if isinstance(part, Mapping)] or None


def _of_parts(parts: Sequence[Mapping[str, Any]], role: str) -> Message:
    texts = [as_text(part.get("content")) for part in parts if part.get("type") == "text"]
    calls = [
        ToolCall(str(part.get("name") or ""), str(part.get("id") or ""), parsed(part.get("arguments")))
        for part in parts
        if part.get("type") == "tool_call"
    ]
    answers = [part for part in parts if part.get("type") == "tool_call_response"]
    for part in answers:
        texts.append(as_text(part.get("response", part.get("result"))))
    return Message(
        "tool" if answers else role, "\n".join(texts), calls, str(answers[0].get("id") or "") if answers else ""
    )


def _calls(given: Any) -> Iterator[ToolCall]:
    for one in given if isinstance(given, list) else ():
        if not isinstance(one, Mapping):
            continue
        call = one.get("tool_call") if isinstance(one.get("tool_call"), Mapping) else one
        assert isinstance(call, Mapping)  # noqa: S101  one or the other is
        function = call.get("function") if isinstance(call.get("function"), Mapping) else call
        assert isinstance(function, Mapping)  # noqa: S101  the same
        arguments = function.get("arguments", call.get("args"))
        yield ToolCall(str(function.get("name") or ""), str(call.get("id") or ""), parsed(arguments))


def _of_event(event: Event) -> Message | None:
    """A message as an event of its own: with attributes, or with JSON in one of them."""
    role = MESSAGE_EVENTS.get(event.name)
    return _message(_event_content(event), role) if role else None


def _choice(event: Event) -> Message:
    return _message(_event_content(event), "assistant") or Message("assistant", "")


def _event_content(event: Event) -> Any:
    content = event.attributes.get("gen_ai.event.content")
    if content:
        return parsed(content)
    return {
        name: parsed(value) if name in ("message", "tool_calls") else value for name, value in event.attributes.items()
    }
