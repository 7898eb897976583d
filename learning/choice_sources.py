"""Where experts' choices between two answers come from: apps above learning add the functions that know them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol, cast
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Choice:
    """One expert found `better` better than `worse`. compared: both were shown; else the expert wrote
    the better one."""

    example_id: UUID
    expert_id: Any
    better: str
    worse: str
    compared: bool


class ChoiceSource(Protocol):
    """Choices that count, about the examples in a query of ids, made in the window; the newest `most` of each kind."""

    def __call__(self, *, examples: Any, since: datetime, until: datetime, most: int) -> Iterator[Choice]: ...


_paths: list[str] = []


def add_choice_source(path: str) -> None:
    """Called in an app's ready(); `path` names the function, which is loaded when choices are asked for."""
    if path not in _paths:
        _paths.append(path)


def choice_sources() -> list[ChoiceSource]:
    """All that were added, in their order."""
    found = []
    for path in _paths:
        module, _, name = path.rpartition(".")
        found.append(cast(ChoiceSource, getattr(import_module(module), name)))
    return found
