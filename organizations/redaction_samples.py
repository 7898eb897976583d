"""What patterns are looked at with before they are kept: apps add functions that give texts of an organization."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

_paths: list[str] = []


def add_sample(path: str) -> None:
    """Called in an app's ready(); `path` names a function without arguments that gives texts of the organization."""
    if path not in _paths:
        _paths.append(path)


def sampled_texts() -> Iterator[str]:
    """The texts of all that were added, for the organization in scope."""
    for path in _paths:
        module, _, name = path.rpartition(".")
        yield from getattr(import_module(module), name)()
