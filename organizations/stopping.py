"""Whether the worker was asked to stop. Its processes share the answer, so that long tasks end at their next step."""

from __future__ import annotations

from multiprocessing.sharedctypes import RawValue

# Made before the worker forks its processes; one byte without a lock, so that a signal handler may write it.
_asked = RawValue("b", 0)


class Stopping(Exception):
    """The product is stopping. What was begun is put back and goes on after the next start."""


def ask_to_stop() -> None:
    _asked.value = 1


def raise_when_stopping() -> None:
    """Raises Stopping. Cheap: call it at every step."""
    if _asked.value:
        raise Stopping
