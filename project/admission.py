"""How many requests work at a time in a process: no more than there are connections to the database.

The others wait a moment. When nothing moves (the database is blocked or away), they are told at once to come back,
instead of standing in line until their callers give up. A process has more threads than places, so that one is always
free to say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase

from organizations.middleware import unavailable

PATIENCE = 0.5  # seconds to wait for a place, and without any movement until nobody waits any more
FREE = ("/static/", "/healthz")  # answered without the database
BUSY = "The server is busy at the moment. Nothing was stored; send the request again."


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


class Admission:
    """Lets WEB_PLACES requests in at a time and answers the others with 503."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.gate = Gate(settings.WEB_PLACES)

    def __call__(self, request: Any) -> HttpResponseBase:
        if request.path_info.startswith(FREE):
            return self.get_response(request)
        if not self.gate.enter():
            return unavailable(request, BUSY, retry_after=2)
        try:
            return self.get_response(request)
        finally:
            self.gate.leave()
