"""What the drill sends, what was acknowledged, and what the database holds in the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from learning.models import AgentFeedback, LearningExample

CORRECTION_EVERY = 10


def item(number: int) -> dict[str, Any]:
    """The feedback with this number. Its text is its key, so that a row stored under another key would be noticed."""
    key = f"item-{number}"
    said: dict[str, Any] = {"feedback_type": "thumbs_up"}
    if number % CORRECTION_EVERY == 0:
        said = {"feedback_type": "correction", "correction_text": key}
    elif number % CORRECTION_EVERY == 1:
        said = {"feedback_type": "star_rating", "rating": number % 5 + 1}
    return {"id": key, "agent_id": "drill", "execution_id": f"run-{number}", "feedback_text": key, **said}


@dataclass
class Ledger:
    """Acknowledged items by their key, and what happened on the way. Safe for many threads."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    last_progress: float = field(default_factory=time.monotonic)
    longest_gap: float = 0.0  # seconds in which nothing was acknowledged
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, ids: Mapping[str, str]) -> None:
        """Ids by key. A key that is acknowledged again, with another id, is unexpected."""
        with self._lock:
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - self.last_progress)
            self.last_progress = now
            for key, row_id in ids.items():
                if self.acknowledged.setdefault(key, row_id) != row_id:
                    self.unexpected.append(f"{key} was acknowledged as {self.acknowledged[key]} and as {row_id}")

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def surprise(self, what: str) -> None:
        with self._lock:
            self.unexpected.append(what[:300])


@dataclass(frozen=True)
class Verdict:
    """How many acknowledged items are not there as acknowledged, are there more than once, or came from nowhere."""

    acknowledged: int
    lost: int
    duplicated: int
    from_nowhere: int
    corrections_without_example: int
    examples_twice: int

    @property
    def holds(self) -> bool:
        return not (
            self.lost or self.duplicated or self.from_nowhere or self.corrections_without_example or self.examples_twice
        )


def compare(acknowledged: Mapping[str, str]) -> Verdict:
    """Every acknowledged item with the rows of the organization in scope."""
    rows = AgentFeedback.objects.values_list("idempotency_key", "id", "feedback_text").iterator(10_000)
    stored = [(key, str(row_id), text) for key, row_id, text in rows]
    right = {key: row_id for key, row_id, text in stored if key == text}
    texts = Counter(text for _, _, text in stored)
    examples = Counter(LearningExample.objects.values_list("expected_output", flat=True).iterator(10_000))
    corrections = {key for key in acknowledged if _is_correction(key)}
    return Verdict(
        acknowledged=len(acknowledged),
        lost=sum(right.get(key) != row_id for key, row_id in acknowledged.items()),
        duplicated=_twice(texts.values()),
        from_nowhere=sum(text not in acknowledged for text in texts),
        corrections_without_example=sum(key not in examples for key in corrections),
        examples_twice=_twice(examples.values()),
    )


def _twice(counts: Iterable[int]) -> int:
    return sum(count - 1 for count in counts)


def _is_correction(key: str) -> bool:
    return int(key.removeprefix("item-")) % CORRECTION_EVERY == 0
