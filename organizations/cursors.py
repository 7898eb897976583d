"""Cursors for statements about many rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def whole_cursor() -> Iterator[Any]:
    """A cursor of the server, inside a transaction, for a result that is read to its end.

    PostgreSQL plans a cursor for its first tenth (`cursor_tuple_fraction`). A plan that is quick to begin may read a
    whole index in order, where ten thousand rows were wanted of ten million.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('cursor_tuple_fraction', '1', true)")
    with connection.chunked_cursor() as rows:
        yield rows


@contextmanager
def cursor_without(*ways: str) -> Iterator[Any]:
    """A cursor, inside a transaction, for a statement that is not to be done in these ways ("enable_nestloop").

    The planner takes the rows of an organization that its statistics have not seen for one, and would go through
    thousands of them pair by pair.
    """
    with connection.cursor() as cursor:
        for way in ways:
            cursor.execute(f"SET LOCAL {way} TO off")
        yield cursor
        for way in ways:  # after an error they go back with all the rest
            cursor.execute(f"SET LOCAL {way} TO DEFAULT")
