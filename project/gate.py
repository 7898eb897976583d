"""A number of places for those who work at a time."""

from __future__ import annotations

import threading
import time

PATIENCE = 0.5  # seconds to wait for a place, and without any movement until nobody waits any more


class Gate:
    """A number of places. `enter` says whether there was one; whoever entered must `leave`."""

    def __init__(self, places: int, patience: float = PATIENCE) -> None:
        self._places = threading.Semaphore(places)
        self._patience = patience
        self._moved = time.monotonic()

    def enter(self) -> bool:
        if not self._places.acquire(blocking=False):
            stuck = time.monotonic() - self._moved > self._patience
            if stuck or not self._places.acquire(timeout=self._patience):
                return False
        self._moved = time.monotonic()
        return True

    def leave(self) -> None:
        self._moved = time.monotonic()
        self._places.release()
