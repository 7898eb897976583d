"""A row of an import: one example in our words, checked. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from learning.formats.bounds import BadRow

LONGEST_TEXT = 100_000  # characters
LONGEST_CONTEXT = 200_000  # characters of JSON
DEEPEST = 32
MOST_TAGS = 50
MOST_KNOWN = 1_000  # names of a record for which it is remembered what they mean: a line of others may have 100,000
TYPES = ("positive", "negative", "correction", "demonstration", "edge_case", "failure", "preference")
BAD = ("negative", "failure")  # of these the original output is what they teach
SOURCES = (
    "user_feedback", "expert_review", "demonstration", "execution_log", "benchmark", "import", "synthetic",
)  # fmt: skip
SPLITS = ("train", "validation", "test")
TEXTS = ("input_text", "original_output", "expected_output", "rejected_output")
NAMES = {"external_id": 200, "agent_id": 200, "domain": 100, "task_type": 100, "user_id": 200}  # characters at most
FIELDS = (
    "external_id", "agent_id", "example_type", "source_type", *TEXTS, "input_context", "domain", "task_type",
    "complexity", "tags", "quality_score", "weight", "cluster_key", "split", "user_id",
)  # fmt: skip
# Where applications write whose row it is in a context, beside the fields that are there for it.
USER_NAMES = ("user", "user_id", "userId", "end_user", "enduser.id", "user.id")
# How others call what we call input and right answer; a name of ours goes first.
ALIASES = {
    "example_id": "external_id", "id": "external_id",
    "input": "input_text", "question": "input_text", "prompt": "input_text", "instruction": "input_text",
    "text": "input_text", "context": "input_context",
    "expected": "expected_output", "answer": "expected_output", "completion": "expected_output",
    "output": "expected_output", "response": "expected_output", "chosen": "expected_output",
    "original": "original_output", "rejected": "rejected_output", "userId": "user_id",
}  # fmt: skip
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # in JSON, and not a backslash before a plain u0000
KEY = re.compile(r"[0-9a-f]{64}")
ENCODE = msgspec.json.Encoder().encode
ENCODE_SORTED = msgspec.json.Encoder(order="sorted").encode
PLAIN = frozenset({str, int, bool, type(None)})  # what both encoders write alike; floats they do not
ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Row(msgspec.Struct, gc=False):  # nothing in it refers back to it
    """One example as a file gives it. `source_hash`: SHA-256 of all that it says, so that it is known again."""

    input_text: str
    example_type: str
    source_hash: str
    external_id: str
    agent_id: str = ""
    source_type: str = ""
    input_context: dict[str, Any] = {}
    context_json: str = "{}"
    original_output: str = ""
    expected_output: str = ""
    rejected_output: str = ""
    domain: str = ""
    task_type: str = ""
    complexity: int | None = None
    tags: list[str] = []
    quality_score: float | None = None
    weight: float | None = None
    cluster_key: str = ""
    split: str = ""
    user_id: str = ""  # a pseudonym

    @property
    def size(self) -> int:
        """Characters of its texts."""
        texts = (self.input_text, self.original_output, self.expected_output, self.rejected_output, self.context_json)
        return sum(map(len, texts))


def check_row(record: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Row:
    """The row in a record. columns: the record's name of a field of ours, by our name. Raises BadRow."""
    mapped = tuple(sorted(columns.items())) if columns else ()
    named = _named(tuple(record), mapped) if len(record) <= MOST_KNOWN else _find_named(record, mapped)
    values = {name: record[source] for source, name in named}
    texts = [_text(name, values.get(name)) for name in TEXTS]
    if not texts[0].strip():
        raise BadRow("input_text is empty", "input_text")
    context, context_json = _context(values.get("input_context"))
    names = [_name(name, values.get(name), most) for name, most in NAMES.items()]
    said = _choice("example_type", values.get("example_type"), TYPES)
    if not said and not any(text.strip() for text in texts[1:]):
        raise BadRow("it has no answer: give expected_output, original_output or both", "expected_output")
    kind = said or guess_type(*texts[1:])
    _check_answers(kind, texts)
    numbers: list[float | None] = [_integer("complexity", values.get("complexity"), 1, 5)]
    numbers += [_number("quality_score", values.get("quality_score"), 1), _number("weight", values.get("weight"), 100)]
    tags = _tags(values.get("tags"))
    _storable(names)
    source = _choice("source_type", values.get("source_type"), SOURCES)
    place = [_key(values.get("cluster_key")), _choice("split", values.get("split"), SPLITS)]
    told = [*texts, context_json, kind, *names[2:4], *map(str, numbers), source, *place, *tags]
    told += ["", names[4]] if names[4] else []  # no tag is empty; rows that name nobody keep the hash they had before
    digest = _digest(told)
    return Row(
        input_text=texts[0], original_output=texts[1], expected_output=texts[2], rejected_output=texts[3],
        example_type=kind, source_hash=digest, external_id=names[0] or f"row:{digest[:40]}", agent_id=names[1],
        source_type=source, input_context=context, context_json=context_json, domain=names[2], task_type=names[3],
        complexity=numbers[0], quality_score=numbers[1], weight=numbers[2], tags=tags,  # type: ignore[arg-type]
        cluster_key=place[0], split=place[1], user_id=names[4],
    )  # fmt: skip


def unused_names(record: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> frozenset[str]:
    """What a record says that no field of ours takes."""
    mapped = tuple(sorted(columns.items())) if columns else ()
    return _unused(tuple(record), mapped) if len(record) <= MOST_KNOWN else _find_unused(record, mapped)


def guess_type(original: str, expected: str, rejected: str) -> str:
    """What an example is that does not say it."""
    if expected and rejected:
        return "preference"
    if expected:
        return "correction" if original else "demonstration"
    return "negative"


def _find_named(names: Collection[str], columns: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """(name in the record, our name) of all that is used; what was asked for first, then our names, then others'."""
    found: dict[str, str] = {ours: theirs for ours, theirs in columns if theirs in names}
    found |= {name: name for name in FIELDS if name in names and name not in found}
    taken = set(found.values())
    for alias, ours in ALIASES.items():
        if alias in names and alias not in taken and ours not in found:
            found[ours] = alias
    return [(theirs, ours) for ours, theirs in found.items()]


def _find_unused(names: Collection[str], columns: tuple[tuple[str, str], ...]) -> frozenset[str]:
    used = {theirs for theirs, _ in _find_named(names, columns)}
    return frozenset(str(name).encode(errors="ignore").decode() for name in names if name not in used)


_named = lru_cache(maxsize=64)(_find_named)
_unused = lru_cache(maxsize=64)(_find_unused)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{name} is no text", name)
    if len(value) > LONGEST_TEXT:
        raise BadRow(f"{name} is longer than {LONGEST_TEXT:,} characters", name)
    return value


def _name(name: str, value: Any, most: int) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadRow(f"{name} is no text", name)
    if len(value) > most or value != value.strip():
        raise BadRow(f"{name} has space at its ends or is longer than {most} characters", name)
    return value


def _choice(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value is None or value == "":
        return ""
    if value not in known:
        raise BadRow(f"{name} must be one of: {', '.join(known)}", name)
    return str(value)


def _number(name: str, value: Any, high: int) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= high:
        raise BadRow(f"{name} must be a number from 0 to {high}", name)
    return number


def _integer(name: str, value: Any, low: int, high: int) -> int | None:
    number = _number(name, value, high)
    if number is None:
        return None
    if number != int(number) or number < low:
        raise BadRow(f"{name} must be a whole number from {low} to {high}", name)
    return int(number)


def _key(value: Any) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise BadRow("cluster_key must be 64 hexadecimal digits", "cluster_key")
    return value


def _tags(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise BadRow(f"tags must be a list of at most {MOST_TAGS} texts", "tags")
    if not all(isinstance(tag, str) and 0 < len(tag) <= 50 for tag in value):
        raise BadRow("each of the tags must be a text of 1 to 50 characters", "tags")
    return list(dict.fromkeys(value))


def _context(value: Any) -> tuple[dict[str, Any], str]:
    if not value and value in (None, "", {}):
        return {}, "{}"
    if not isinstance(value, dict):
        raise BadRow("input_context must be a JSON object", "input_context")
    try:
        text = _encode_context(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRow("input_context holds what is no JSON", "input_context") from error
    if "\\u0000" in text and NUL.search(text):
        raise BadRow("input_context holds a NUL character, which cannot be stored", "input_context")
    if len(text) > LONGEST_CONTEXT:
        raise BadRow(f"input_context is longer than {LONGEST_CONTEXT:,} characters of JSON", "input_context")
    return value, text


def _encode_context(value: dict[str, Any]) -> str:
    """As JSON, the names in order, always the same for the same content."""
    if PLAIN.issuperset(map(type, value.values())):
        return ENCODE_SORTED(value).decode()
    check_depth(value)
    return ENCODER.encode(value)


def check_depth(value: Any, depth: int = 0) -> None:
    """Raises BadRow for what is nested too deeply."""
    if depth > DEEPEST:
        raise BadRow(f"it is nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            check_depth(item, depth + 1)


def _check_answers(kind: str, texts: list[str]) -> None:
    """Raises BadRow when what the type of example teaches is missing."""
    _, original, expected, rejected = texts
    if kind in BAD:
        if not original.strip():
            raise BadRow(f"a {kind} example needs an original_output", "original_output")
    elif not expected.strip():
        raise BadRow(f"a {kind} example needs an expected_output", "expected_output")
    if kind == "preference" and not rejected.strip():
        raise BadRow("a preference needs a rejected_output", "rejected_output")


def _digest(values: list[str]) -> str:
    """SHA-256 of all values, which hold no NUL. Raises BadRow for what cannot be stored."""
    return hashlib.sha256(_storable(values)).hexdigest()


def _storable(values: list[str]) -> bytes:
    """All values, with a NUL between them. Raises BadRow."""
    material = "\x00".join(values)
    if material.count("\x00") >= len(values):
        raise BadRow("it holds a NUL character, which cannot be stored")
    try:
        return material.encode()
    except UnicodeEncodeError as error:
        raise BadRow("it holds half of a surrogate pair, which cannot be stored") from error
