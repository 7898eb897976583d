"""The formats that are read: how a file of each is taken apart, and what its records mean. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from learning.formats import columns, csv_records, foreign, json_records
from learning.formats.bounds import BadFile, BadRow
from learning.formats.containers import Part
from learning.formats.foreign import Meaning
from learning.formats.json_records import Records
from learning.formats.rows import Row, check_row

Reader = Callable[[BinaryIO, int, int], Records]
HEAD = 1_000_000  # bytes looked at to tell a format
AUTO = "auto"


@dataclass(frozen=True)
class Format:
    """A format as a person chooses it. `unit`: what its numbers count."""

    label: str
    read: Reader
    meaning: Meaning | None = None
    unit: str = "line"


FORMATS = {
    "jsonl": Format("JSON, an object a line", json_records.read),
    "csv": Format("CSV with a header", csv_records.read),
    "parquet": Format("Parquet", columns.read_parquet, unit="row"),
    "hf": Format("Hugging Face dataset on disk (arrow files)", columns.read_arrow, unit="row"),
    "openai-chat": Format("OpenAI chat, TRL conversational SFT", json_records.read, foreign.read_chat),
    "openai-dpo": Format("OpenAI preferences (DPO)", json_records.read, foreign.read_openai_dpo),
    "trl-sft": Format("TRL prompt and completion", json_records.read, foreign.read_prompt_completion),
    "trl-preference": Format("TRL preferences", json_records.read, foreign.read_trl_preference),
    "trl-kto": Format("TRL good and bad answers (KTO)", json_records.read, foreign.read_trl_kto),
    "label-studio": Format("Label Studio, JSON export", json_records.read, foreign.read_label_studio, "task"),
    "langfuse": Format("Langfuse dataset items", json_records.read, foreign.read_langfuse),
}


def detect(part: Part) -> str:
    """The format of a file, by what it begins with. Raises BadFile for an empty one."""
    if part.name.endswith(".arrow"):
        return "hf"
    with part.open() as file:
        head = file.read(HEAD)
    if head[:4] == b"PAR1":
        return "parquet"
    text = head.removeprefix(json_records.BOM).lstrip()
    if not text:
        raise BadFile("the file is empty")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadFile("the file is UTF-16: save it as UTF-8")
    if text[:1] not in (b"{", b"["):
        return "langfuse" if b"expected_output" in text.partition(b"\n")[0] and b"source_trace" in text else "csv"
    return _kind_of(_first_object(text))


def records_of(part: Part, name: str, at: int = 0, number: int = 0, known: Iterable[str] = ()) -> Records:
    """The records of a part after the first `number`, which end `at` bytes into it. Raises BadFile.

    known: names of columns that the caller maps.
    """
    chosen = FORMATS[name]
    read = chosen.read
    if read is csv_records.read or (name == "langfuse" and _is_csv(part)):
        read = partial(csv_records.read, columns=[*known, "expectedOutput", "expected_output"])
    with part.open() as file:
        yield from read(file, at, number)


def row_of(name: str, record: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    """The example in a record. Raises BadRow."""
    meaning = FORMATS[name].meaning
    return check_row(meaning(record)) if meaning else check_row(record, columns)


def _is_csv(part: Part) -> bool:
    with part.open() as file:
        return file.read(1) not in (b"{", b"[", b"\xef")


def _first_object(text: bytes) -> Mapping[str, Any]:
    """The first object, as far as it can be told from the beginning of the file."""
    start = text.find(b"{")
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "ignore"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _kind_of(record: Mapping[str, Any]) -> str:
    lists = {name for name, value in record.items() if isinstance(value, list)}
    for name, needed in (
        ("openai-dpo", {"preferred_output", "non_preferred_output"}),
        ("openai-chat", {"messages"}),
        ("trl-preference", {"prompt", "chosen", "rejected"}),
        ("trl-sft", {"prompt", "completion"}),
    ):
        if needed <= lists:
            return "trl-kto" if name == "trl-sft" and "label" in record else name
    if {"data", "annotations"} <= record.keys():
        return "label-studio"
    langfuse = {"expectedOutput", "datasetId", "traceId", "dataType", "sourceTraceId"}
    return "langfuse" if langfuse & record.keys() else "jsonl"


__all__ = ["AUTO", "FORMATS", "BadFile", "BadRow", "detect", "records_of", "row_of"]
