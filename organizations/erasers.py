"""What forgets a person: every app adds the functions that remove what it holds about somebody.

`erasing()` opens what is otherwise for good (published items, the arms of started experiments) to the transaction that
forgets; the triggers of those tables look at the setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast
from uuid import UUID

from django.db import connection, transaction

from organizations.scope import transaction_setting


@dataclass(frozen=True)
class Person:
    """Somebody to forget: the pseudonym that an application sent, and the rows that are theirs."""

    user: str
    execution_ids: Sequence[UUID] = ()
    feedback_ids: Sequence[UUID] = ()
    example_ids: Sequence[UUID] = ()


class Eraser(Protocol):
    """Removes what one app holds about a person, in the caller's transaction; how many rows, by what they are called.

    Called again it finds nothing. `dry_run` counts and removes nothing.
    """

    def __call__(self, person: Person, *, dry_run: bool = False) -> dict[str, int]: ...


_paths: list[str] = []


def add_eraser(path: str) -> None:
    """Called in an app's ready(); `path` names the function, which is loaded when somebody is forgotten."""
    if path not in _paths:
        _paths.append(path)


def erasers() -> list[Eraser]:
    """All that were added, in their order."""
    found = []
    for path in _paths:
        module, _, name = path.rpartition(".")
        found.append(cast(Eraser, getattr(import_module(module), name)))
    return found


@contextmanager
def erasing() -> Iterator[None]:
    """What is for good can be removed until the end of the block."""
    with transaction.atomic(), transaction_setting("app.erasing", "on"):
        yield


def erase_written_once(*, table: str, column: str, ids: Sequence[UUID]) -> int:
    """Blank a text of rows that the application can only add; how many. Works inside `erasing()` alone."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_written_once(%s, %s, %s)", [table, column, list(ids)])
        return int(cast(Any, cursor.fetchone())[0])
