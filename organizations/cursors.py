"""Reading many rows a part at a time."""

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
