"""Writing items of a dataset in the formats of their readers, batch by batch, each line checked first. Pure.

An item is a mapping with the keys of COLUMNS. What a format cannot say is left out: a pair needs a worse answer, a
chat a right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.formats.chats import answer, question
from learning.formats.csv_records import write_line
from learning.formats.rows import BAD, ENCODE
from learning.formats.schemas import COLUMNS, encode_line

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A format that is written. `ending` is of its files; `records`: the lines that an item becomes."""

    label: str
    media_type: str
    ending: str
    records: Callable[[Item], list[Item]]


def write(name: str, batches: Iterable[Sequence[Item]], skip: int = 0) -> Iterator[bytes]:
    """The file, a piece for each batch. skip: lines that the reader has already. Raises Malformed."""
    if name == "csv":
        return _csv(batches, skip)
    if name == "parquet":
        from learning.formats.parquet_writing import write_parquet  # large, and few files need it

        return write_parquet(batches)
    return _json_lines(name, batches, skip)


def _json_lines(name: str, batches: Iterable[Sequence[Item]], skip: int) -> Iterator[bytes]:
    records = TARGETS[name].records
    for items in batches:
        lines = [line for item in items for line in records(item)]
        skip, lines = max(0, skip - len(lines)), lines[skip:]
        yield b"".join(encode_line(name, line) + b"\n" for line in lines)


def _csv(batches: Iterable[Sequence[Item]], skip: int) -> Iterator[bytes]:
    if not skip:
        yield write_line(COLUMNS).encode()
    skip = max(0, skip - 1)
    for items in batches:
        skip, items = max(0, skip - len(items)), items[skip:]
        yield "".join(write_line(_cells(item)) for item in items).encode()


def _cells(item: Item) -> list[Any]:
    """Structures as JSON."""
    return [
        (ENCODE(item[name]).decode() if item[name] else "") if name in ("input_context", "tags") else item[name]
        for name in COLUMNS
    ]


def _ours(item: Item) -> list[Item]:
    return [item]


def _openai_chat(item: Item) -> list[Item]:
    if not _right(item):
        return []
    return [{"messages": _asked(item) + answer(_right(item))}]


def _openai_dpo(item: Item) -> list[Item]:
    if not (_right(item) and _worse(item)):
        return []
    pair = {"preferred_output": answer(_right(item)), "non_preferred_output": answer(_worse(item))}
    return [{"input": {"messages": _asked(item)}, **pair}]


def _trl_sft(item: Item) -> list[Item]:
    return [{"prompt": _asked(item), "completion": answer(_right(item))}] if _right(item) else []


def _trl_preference(item: Item) -> list[Item]:
    if not (_right(item) and _worse(item)):
        return []
    return [{"prompt": _asked(item), "chosen": answer(_right(item)), "rejected": answer(_worse(item))}]


def _trl_kto(item: Item) -> list[Item]:
    said = [(text, good) for text, good in ((_right(item), True), (_worse(item), False)) if text]
    return [{"prompt": _asked(item), "completion": answer(text), "label": good} for text, good in said]


def _asked(item: Item) -> list[dict[str, str]]:
    return question(item["input_text"], item["input_context"])


def _right(item: Item) -> str:
    """The answer to learn; empty where there is none."""
    return "" if item["example_type"] in BAD else str(item["expected_output"])


def _worse(item: Item) -> str:
    """The answer not to give: the rejected one, or what was corrected."""
    worse = str(item["rejected_output"] or item["original_output"])
    return "" if worse == _right(item) else worse


JSON_LINES = "application/x-ndjson"
TARGETS = {
    "jsonl": Target("JSON lines, everything", JSON_LINES, "jsonl", _ours),
    "csv": Target("CSV, everything", "text/csv", "csv", _ours),
    "parquet": Target("Parquet, everything", "application/vnd.apache.parquet", "parquet", _ours),
    "openai-chat": Target("OpenAI chat (also TRL's messages)", JSON_LINES, "jsonl", _openai_chat),
    "openai-dpo": Target("OpenAI preferences (DPO)", JSON_LINES, "jsonl", _openai_dpo),
    "trl-sft": Target("TRL prompt and completion", JSON_LINES, "jsonl", _trl_sft),
    "trl-preference": Target("TRL preferences", JSON_LINES, "jsonl", _trl_preference),
    "trl-kto": Target("TRL good and bad answers (KTO)", JSON_LINES, "jsonl", _trl_kto),
}
