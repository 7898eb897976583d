"""Reading the next part from the database while the caller works on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connection, connections

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def reading_ahead() -> Iterator[Callable[..., Callable[[], Any]]]:
    """A function that begins a reading at once in another thread, and gives back what waits for its result.

    Readings take place one after another, in the order in which they were begun. Each opens its own scope, on a
    connection of its own that is given back after it; the caller's is given back before the first. Inside of a
    transaction nobody reads ahead: another connection would not see what the caller has written.
    """
    if connection.in_atomic_block:
        yield lambda read, *values: lambda: read(*values)
        return
    close_old_connections()  # a request keeps the one it began with until its answer has been sent
    pool = ThreadPoolExecutor(1, thread_name_prefix="reading-ahead")
    try:
        yield lambda read, *values: pool.submit(_read, read, *values).result
    finally:
        pool.submit(connections.close_all)  # those of that thread
        pool.shutdown()


def _read(read: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
    try:
        return read(*values, **named)
    finally:
        close_old_connections()
