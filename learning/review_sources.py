"""Where experts' reviews come from: apps above learning add the functions that know them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol, cast
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Review:
    """One expert's opinion of one example; approved is None when they asked for changes. Scores by name, 0 to 1."""

    example_id: UUID
    expert_id: Any
    approved: bool | None
    scores: dict[str, float] = field(default_factory=dict)


class ReviewSource(Protocol):
    """Reviews that count, of the examples in a query of ids, made in the window; the newest `most` of them."""

    def __call__(self, *, examples: Any, since: datetime, until: datetime, most: int) -> Iterator[Review]: ...


_paths: list[str] = []


def add_review_source(path: str) -> None:
    """Called in an app's ready(); `path` names the function, which is loaded when reviews are asked for."""
    if path not in _paths:
        _paths.append(path)


def review_sources() -> list[ReviewSource]:
    """All that were added, in their order."""
    found = []
    for path in _paths:
        module, _, name = path.rpartition(".")
        found.append(cast(ReviewSource, getattr(import_module(module), name)))
    return found
