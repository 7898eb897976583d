"""Where the scores come from that experts gave: apps above learning add the functions that know them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast
from uuid import UUID


class ScoreSource(Protocol):
    """The score (0-1) that experts who approved an example gave to what the agent had said, by example.

    examples: a query of ids. Of the first `most` of them, in the order of ids, that anybody scored.
    """

    def __call__(self, *, examples: Any, most: int) -> dict[UUID, float]: ...


_paths: list[str] = []


def add_score_source(path: str) -> None:
    """Called in an app's ready(); `path` names the function, which is loaded when scores are asked for."""
    if path not in _paths:
        _paths.append(path)


def score_sources() -> list[ScoreSource]:
    """All that were added, in their order."""
    found = []
    for path in _paths:
        module, _, name = path.rpartition(".")
        found.append(cast(ScoreSource, getattr(import_module(module), name)))
    return found
