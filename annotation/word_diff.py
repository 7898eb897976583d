"""The difference between two texts, word by word. Pure; static/js/word-diff.js shows the same while one types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

WORD = re.compile(r"\s+|[\w'’-]+|[^\w\s]")
# Pairs of words where the texts differ, the common start and end left out: the work is never more, whatever a stranger
# wrote. Beyond it (630 words each) the middle is shown as replaced.
MOST_PAIRS = 400_000


class Segment(NamedTuple):
    """A stretch of text; op is "equal", "insert" (only in the new text) or "delete" (only in the old one)."""

    op: str
    text: str


def diff_words(old: str, new: str) -> list[Segment]:
    """How `old` becomes `new`: joined without inserts the segments are `old`, without deletes `new`."""
    before, after = WORD.findall(old), WORD.findall(new)
    head = _shared(before, after)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    start, end = "".join(before[:head]), "".join(before[len(before) - tail :])
    middle = _between(before[head : len(before) - tail], after[head : len(after) - tail])
    whole = [Segment("equal", start), *middle, Segment("equal", end)]
    return _joined_across_spaces([segment for segment in whole if segment.text])


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _between(before: Sequence[str], after: Sequence[str]) -> list[Segment]:
    if not before or not after or len(before) * len(after) > MOST_PAIRS:
        return _change("".join(before), "".join(after))
    longest = _longest_common(before, after)
    segments: list[Segment] = []
    i = j = 0
    while i < len(before) and j < len(after):
        if before[i] == after[j]:
            segments.append(Segment("equal", before[i]))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            segments.append(Segment("delete", before[i]))
            i += 1
        else:
            segments.append(Segment("insert", after[j]))
            j += 1
    return [*segments, *_change("".join(before[i:]), "".join(after[j:]))]


def _longest_common(before: Sequence[str], after: Sequence[str]) -> list[list[int]]:
    """At [i][j]: how many words before[i:] and after[j:] have in common, in order."""
    rows = [[0] * (len(after) + 1)]
    for word in reversed(before):
        below, row, right = rows[-1], [0] * (len(after) + 1), 0
        for j in range(len(after) - 1, -1, -1):
            right = row[j] = below[j + 1] + 1 if word == after[j] else max(below[j], right)
        rows.append(row)
    return rows[::-1]


def _joined_across_spaces(segments: list[Segment]) -> list[Segment]:
    """Two changes with nothing but a space between them read as one change."""
    joined: list[Segment] = []
    deleted = inserted = ""
    for index, (op, text) in enumerate(segments):
        changes_go_on = index + 1 < len(segments) and segments[index + 1].op != "equal"
        between = op == "equal" and text.isspace() and "\n" not in text and (deleted or inserted) and changes_go_on
        if op == "delete":
            deleted += text
        elif op == "insert":
            inserted += text
        elif between:
            deleted, inserted = deleted + text, inserted + text
        else:
            joined += _change(deleted, inserted)
            if joined and joined[-1].op == "equal":
                text = joined.pop().text + text
            joined.append(Segment("equal", text))
            deleted = inserted = ""
    return joined + _change(deleted, inserted)


def _change(deleted: str, inserted: str) -> list[Segment]:
    return [Segment(op, text) for op, text in (("delete", deleted), ("insert", inserted)) if text]
