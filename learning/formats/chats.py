"""Turns of a chat, and what is the input and the answer in them. Pure.

The last question is the input; whatever was said before it is kept as context ({"messages": [...]}) and goes out again
before the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from learning.formats.bounds import BadRow

ROLES = ("system", "developer", "user", "assistant")


def split_question(turns: Any, name: str) -> dict[str, Any]:
    """input_text and input_context of the turns before an answer. Raises BadRow."""
    turns = check_turns(turns, name)
    if not turns or turns[-1]["role"] != "user":
        raise BadRow(f"{name} does not end with a question of the user", _field(name))
    earlier = turns[:-1]
    return {"input_text": turns[-1]["content"], "input_context": {"messages": earlier} if earlier else {}}


def answer_in(turns: Any, name: str) -> str:
    """The answer, which is one turn of the assistant. Raises BadRow."""
    turns = check_turns(turns, name)
    if len(turns) != 1 or turns[0]["role"] != "assistant":
        raise BadRow(f"{name} is not one turn of the assistant", _field(name))
    return str(turns[0]["content"])


def question(input_text: str, context: Mapping[str, Any]) -> list[dict[str, str]]:
    """The turns before an answer."""
    try:
        earlier = check_turns(context.get("messages", []), "messages")
    except BadRow:
        earlier = []  # somebody's own meaning of the word
    return [*earlier, {"role": "user", "content": input_text}]


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def check_turns(turns: Any, name: str) -> list[dict[str, str]]:
    """The turns with role and text alone. Raises BadRow for tool calls, pictures and whatever else is no text."""
    if not isinstance(turns, Sequence) or isinstance(turns, str | bytes):
        raise BadRow(f"{name} is no list of turns", _field(name))
    return [_turn(turn, name) for turn in turns]


def _field(name: str) -> str:
    """The field without the place in it that a name such as "messages (the last)" tells."""
    return name.partition(" ")[0]


def _turn(turn: Any, name: str) -> dict[str, str]:
    if not isinstance(turn, dict) or turn.get("role") not in ROLES:
        raise BadRow(f"{name} holds a turn whose role is none of: {', '.join(ROLES)}", _field(name))
    content = turn.get("content")
    if isinstance(content, list):  # the same text in parts
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        texts = [part.get("text") for part in parts]
        content = "".join(str(text) for text in texts) if len(parts) == len(content) else None
    if not isinstance(content, str) or turn.get("tool_calls") or turn.get("function_call"):
        raise BadRow(f"{name} holds more than text, such as a tool call", _field(name))
    return {"role": turn["role"], "content": content}
