"""What a line of each format must look like, as JSON Schema, and a check of it quick enough for every line. Pure.

OpenAI's rules as its guides publish them; TRL's dataset formats, conversational. The check knows the words of JSON
Schema that are used here and refuses others, so that no rule is ever passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any, cast

from learning.formats.rows import SOURCES, SPLITS, TYPES

Check = Callable[[Any], bool]
KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float), "null": (type(None),),
}  # fmt: skip


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


TEXT = {"type": "string"}
SAID = {"type": "string", "minLength": 1}
TURN = _object({"role": {"type": "string", "enum": ["system", "developer", "user", "assistant"]}, "content": SAID})
QUESTION = {"type": "array", "items": TURN, "minItems": 1}
ANSWER = {
    "type": "array", "minItems": 1, "maxItems": 1,
    "items": _object({"role": {"type": "string", "enum": ["assistant"]}, "content": SAID}),
}  # fmt: skip
OURS = _object(
    {
        "example_id": SAID, "external_id": SAID, "agent_id": SAID,
        "example_type": {"type": "string", "enum": list(TYPES)},
        "source_type": {"type": "string", "enum": list(SOURCES)},
        "input_text": SAID, "input_context": {"type": "object"}, "original_output": TEXT, "expected_output": TEXT,
        "rejected_output": TEXT, "domain": TEXT, "task_type": TEXT, "complexity": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": TEXT}, "quality_score": {"type": ["number", "null"]},
        "weight": {"type": "number"}, "split": {"type": "string", "enum": list(SPLITS)}, "cluster_key": SAID,
        "group_key": SAID, "content_hash": SAID,
    }
)  # fmt: skip
SCHEMAS: dict[str, dict[str, Any]] = {
    "jsonl": OURS,
    "openai-chat": _object({"messages": {"type": "array", "items": TURN, "minItems": 2}}),
    "openai-dpo": _object(
        {"input": _object({"messages": QUESTION}), "preferred_output": ANSWER, "non_preferred_output": ANSWER}
    ),
    "trl-sft": _object({"prompt": QUESTION, "completion": ANSWER}),
    "trl-preference": _object({"prompt": QUESTION, "chosen": ANSWER, "rejected": ANSWER}),
    "trl-kto": _object({"prompt": QUESTION, "completion": ANSWER, "label": {"type": "boolean"}}),
}


def compile_check(schema: Mapping[str, Any]) -> Check:
    """A function that says whether a value is as the schema says. Raises ValueError for a word it does not know."""
    checks = [_rule(word, value, schema) for word, value in schema.items() if word != "properties"]
    if "properties" in schema:
        checks.append(_properties([(name, compile_check(part)) for name, part in schema["properties"].items()]))
    return _all_of(checks)


def _all_of(checks: list[Check]) -> Check:
    """One or two checks, which most values have, without a loop: there are twenty values in a line."""
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)

    return lambda value: all(check(value) for check in checks)


def _rule(word: str, wanted: Any, schema: Mapping[str, Any]) -> Check:
    if word == "type":
        return _type([wanted] if isinstance(wanted, str) else wanted)
    if word == "enum":
        return lambda value: value in wanted
    if word == "required":
        names = frozenset(wanted)
        return lambda value: not isinstance(value, dict) or value.keys() >= names
    if word == "additionalProperties" and wanted is False:
        known = frozenset(schema["properties"])
        return lambda value: not isinstance(value, dict) or value.keys() <= known
    if word in ("minLength", "minItems"):
        kind = str if word == "minLength" else list
        return lambda value: not isinstance(value, kind) or len(cast(Sized, value)) >= wanted
    if word == "maxItems":
        return lambda value: not isinstance(value, list) or len(value) <= wanted
    if word == "items":
        item = compile_check(wanted)
        return lambda value: not isinstance(value, list) or all(item(one) for one in value)
    raise ValueError(f"{word} is not known here")


def _type(names: list[str]) -> Check:
    kinds = tuple(kind for name in names for kind in KINDS[name])
    if bool in kinds or int not in kinds:  # to Python a boolean is an integer
        return lambda value: isinstance(value, kinds)
    return lambda value: isinstance(value, kinds) and not isinstance(value, bool)


def _properties(parts: list[tuple[str, Check]]) -> Check:
    def check(value: Any) -> bool:
        if isinstance(value, dict):
            for name, part in parts:
                if name in value and not part(value[name]):
                    return False
        return True

    return check
