"""Chat messages in the OpenAI form, tool calls included, as an episode. Pure.

Each answer of the assistant is one step: each tool call is an action, a text alone is RESPOND. What the agent saw is
what came since its last action; the outcome of a tool call is the tool's message.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from learning.engines.behavior.episodes import RESPOND, TOOL, USER, Action, Episode, Step

LONGEST_TEXT = 20_000  # characters of one observation or outcome
FAILURES = ("error", "exception", "traceback", "failed")
RAW = "raw"  # the argument that holds what was no JSON object
DEEPEST = 32  # levels of arguments within arguments
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, and half of a surrogate pair


def episode_of_chat(
    messages: Sequence[Mapping[str, Any]], *, key: str, reward: float | None = None, group: str = ""
) -> Episode:
    """The episode that a chat tells. Raises ValueError naming the message that cannot be read, or when none acts."""
    steps: list[Step] = []
    seen, source = "", USER
    for place, message in enumerate(messages):
        role = _role(message, place)
        if role == "assistant":
            actions = _actions(message, place)
            steps += [Step(seen, action, outcome, failed, source) for action, outcome, failed in
                      _with_outcomes(actions, messages[place + 1 :])]  # fmt: skip
            if actions:
                seen = ""
        elif role in ("user", "tool", "function"):
            text = text_of(message.get("content"))
            seen = f"{seen}\n{text}" if seen else text
            seen, source = seen[:LONGEST_TEXT], USER if role == "user" else TOOL
    if not steps:
        raise ValueError("This chat has no message of an assistant, so it shows no action.")
    return Episode(key, tuple(steps), reward, group)


def text_of(content: Any) -> str:
    """The text of a message: a string, or the text parts of a list."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content[:LONGEST_TEXT]
    if isinstance(content, Sequence):
        parts = [part.get("text", "") if isinstance(part, Mapping) else part for part in content]
        return "\n".join(part for part in parts if isinstance(part, str) and part)[:LONGEST_TEXT]
    raise ValueError("The content of a message must be a text or a list of parts.")


def is_failure(outcome: str) -> bool:
    """Whether what a tool gave back begins like an error."""
    beginning = outcome.lstrip(" \n\t\"'{[(<").casefold()[:40]
    return beginning.startswith(FAILURES)


def _role(message: Mapping[str, Any], place: int) -> str:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(role, str):
        raise ValueError(f"Message {place + 1} has no role.")
    return role


def _actions(message: Mapping[str, Any], place: int) -> list[tuple[str, Action]]:
    """(id of the call, action) of a message of the assistant."""
    calls = message.get("tool_calls") or []
    if not calls and isinstance(message.get("function_call"), Mapping):  # as older logs have it
        calls = [{"function": message["function_call"]}]
    if not isinstance(calls, Sequence):
        raise ValueError(f"The tool calls of message {place + 1} must be a list.")
    actions = [_action(call, place) for call in calls]
    text = text_of(message.get("content"))
    return actions or ([("", Action(RESPOND, {"text": text}))] if text else [])


def _action(call: Any, place: int) -> tuple[str, Action]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError(f"A tool call of message {place + 1} has no function with a name.")
    return str(call.get("id") or ""), Action(function["name"], _arguments(function.get("arguments")))


def _arguments(given: Any) -> dict[str, Any]:
    """The arguments as an object: logs keep them as JSON in a text, which may be broken or impossible to keep."""
    if isinstance(given, Mapping):
        return dict(given)
    if not given:
        return {}
    try:
        read = json.loads(given)
    except (TypeError, ValueError, RecursionError):
        return {RAW: str(given)[:LONGEST_TEXT]}
    if not _can_be_kept(read):
        return {RAW: given[:LONGEST_TEXT]}
    return read if isinstance(read, dict) else {RAW: read}


def _can_be_kept(value: Any, depth: int = 0) -> bool:
    """Whether it is neither too deep nor holds a number or a text that is none elsewhere."""
    if depth > DEEPEST:
        return False
    if isinstance(value, dict):
        return all(_can_be_kept(part, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(_can_be_kept(part, depth + 1) for part in value)
    if isinstance(value, str):
        return UNSTORABLE.search(value) is None
    return not isinstance(value, float) or math.isfinite(value)


def _with_outcomes(
    actions: Sequence[tuple[str, Action]], later: Sequence[Mapping[str, Any]]
) -> list[tuple[Action, str, bool]]:
    """Each action with what its tool gave back: by the id of the call, otherwise by order. A reply has no outcome."""
    results = []
    for message in later:
        if not isinstance(message, Mapping) or message.get("role") not in ("tool", "function"):
            break
        results.append((str(message.get("tool_call_id") or ""), text_of(message.get("content"))))
    found = []
    for place, (call, action) in enumerate(actions):
        by_id = next((text for key, text in results if call and key == call), None)
        by_place = results[place][1] if place < len(results) else ""
        outcome = "" if action.name == RESPOND else (by_place if by_id is None else by_id)
        found.append((action, outcome, is_failure(outcome)))
    return found
