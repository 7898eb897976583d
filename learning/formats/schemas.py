"""What a line of each format must look like, as types that check and write every line quickly. Pure.

OpenAI's rules as its guides publish them; TRL's dataset formats, conversational. SCHEMAS says the same as JSON Schema,
from the same types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from learning.formats.rows import ENCODE, SOURCES, SPLITS, TYPES

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line, or an object in one: what its fields say, and nothing else."""


class Turn(Line):
    """What somebody said."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text


class Reply(Line):
    """What the assistant said."""

    role: Literal["assistant"]
    content: Text


Question = Annotated[list[Turn], msgspec.Meta(min_length=1)]
Answer = Annotated[list[Reply], msgspec.Meta(min_length=1, max_length=1)]


class Ours(Line):
    """Everything that is known of an example in a version."""

    example_id: Text
    external_id: Text
    agent_id: Text
    example_type: Literal[TYPES]  # type: ignore[valid-type]
    source_type: Literal[SOURCES]  # type: ignore[valid-type]
    input_text: Text
    input_context: dict[str, Any]
    original_output: str
    expected_output: str
    rejected_output: str
    domain: str
    task_type: str
    complexity: int | None
    tags: list[str]
    quality_score: float | None
    weight: float
    split: Literal[SPLITS]  # type: ignore[valid-type]
    cluster_key: Text
    group_key: Text
    content_hash: Text


class OpenAIChat(Line):
    """A conversation with its answer."""

    messages: Annotated[list[Turn], msgspec.Meta(min_length=2)]


class OpenAIInput(Line):
    """What was said before an answer."""

    messages: Question


class OpenAIPreference(Line):
    """A question with a better and a worse answer."""

    input: OpenAIInput
    preferred_output: Answer
    non_preferred_output: Answer


class Completion(Line):
    """A question with its answer."""

    prompt: Question
    completion: Answer


class Preference(Line):
    """A question with a better and a worse answer."""

    prompt: Question
    chosen: Answer
    rejected: Answer


class Judged(Line):
    """A question with an answer that is good or bad."""

    prompt: Question
    completion: Answer
    label: bool


LINES: dict[str, type[Line]] = {
    "jsonl": Ours,
    "openai-chat": OpenAIChat,
    "openai-dpo": OpenAIPreference,
    "trl-sft": Completion,
    "trl-preference": Preference,
    "trl-kto": Judged,
}
SCHEMAS: dict[str, dict[str, Any]] = {name: msgspec.json.schema(line) for name, line in LINES.items()}
COLUMNS = Ours.__struct_fields__


class Malformed(Exception):
    """A line is not as its format says: a defect of ours, so that nothing more goes out."""


def encode_line(name: str, line: Mapping[str, Any]) -> bytes:
    """The line as JSON, checked, without its end. Raises Malformed, with the place in it."""
    try:
        return ENCODE(msgspec.convert(line, LINES[name]))
    except msgspec.ValidationError as error:
        raise Malformed(f"a line of {name} is not as its schema says: {error}") from error
