"""How many requests work at a time in a process: no more than there are connections to the database.

The others wait a moment. When nothing moves (the database is blocked or away), they are told at once to come back,
instead of standing in line until their callers give up. A process has more threads than places, so that one is always
free to say so. Who comes here has sent his body already (project/whole_body.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase

from organizations.middleware import unavailable
from project.gate import Gate
from project.whole_body import NO_ROOM

FREE = ("/static/", "/healthz")  # answered without the database
BUSY = "The server is busy at the moment. Nothing was stored; send the request again."


@cache
def places() -> Gate:
    """Those of this process."""
    return Gate(settings.WEB_PLACES)


class Admission:
    """Lets WEB_PLACES requests in at a time and answers the others with 503. A request takes one place, however often
    it comes by here on its way in.
    """

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.gate = places()

    def __call__(self, request: Any) -> HttpResponseBase:
        if getattr(request, "is_admitted", False):
            return self.get_response(request)
        if NO_ROOM in request.META:
            return unavailable(request, BUSY, retry_after=2)
        if request.path_info.startswith(FREE):
            return self.get_response(request)
        if not self.gate.enter():
            return unavailable(request, BUSY, retry_after=2)
        request.is_admitted = True
        try:
            return self.get_response(request)
        finally:
            self.gate.leave()
