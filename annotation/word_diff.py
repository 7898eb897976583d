"""The difference between two texts, word by word. Pure; static/js/word-diff.js shows the same while one types."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

WORD = re.compile(r"\s+|[\w'’-]+|[^\w\s]")
MOST_WORDS = 20_000  # beyond it the matcher takes seconds; then the texts are shown whole


class Segment(NamedTuple):
    """A stretch of text; op is "equal", "insert" (only in the new text) or "delete" (only in the old one)."""

    op: str
    text: str


def diff_words(old: str, new: str) -> list[Segment]:
    """How `old` becomes `new`: joined without inserts the segments are `old`, without deletes `new`."""
    before, after = WORD.findall(old), WORD.findall(new)
    if old == new or len(before) + len(after) > MOST_WORDS:
        return _whole(old, new)
    segments: list[Segment] = []
    for op, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            segments.append(Segment("equal", "".join(before[i:j])))
            continue
        if i < j:
            segments.append(Segment("delete", "".join(before[i:j])))
        if k < m:
            segments.append(Segment("insert", "".join(after[k:m])))
    return _joined_across_spaces(segments)


def _joined_across_spaces(segments: list[Segment]) -> list[Segment]:
    """Two changes with nothing but a space between them read as one change."""
    joined: list[Segment] = []
    deleted = inserted = ""
    for index, (op, text) in enumerate(segments):
        between = op == "equal" and text.isspace() and "\n" not in text and (deleted or inserted)
        if op == "delete":
            deleted += text
        elif op == "insert":
            inserted += text
        elif between and index + 1 < len(segments):
            deleted, inserted = deleted + text, inserted + text
        else:
            joined += _change(deleted, inserted)
            joined.append(Segment(op, text))
            deleted = inserted = ""
    return joined + _change(deleted, inserted)


def _change(deleted: str, inserted: str) -> list[Segment]:
    return [Segment(op, text) for op, text in (("delete", deleted), ("insert", inserted)) if text]


def _whole(old: str, new: str) -> list[Segment]:
    if old == new:
        return [Segment("equal", old)] if old else []
    return _change(old, new)
