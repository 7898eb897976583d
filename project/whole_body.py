"""Bodies are read whole before anything else happens, so that a slow caller holds a thread and nothing more.

Django reads a body when somebody asks for it: in the middle of a request, with a place and a connection to the
database. It also takes a request without Content-Length for one without a body, so what comes in chunks would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from project.gate import Gate
from project.slow_callers import SlowCallers

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
LARGE = 256_000  # bytes; a longer body, or one of unknown length, needs one of a few rooms, which bound the memory
ROOMS = 16
NO_ROOM = "project.no_room"  # in the environment: the body was left unread, to be sent again
TOO_SLOW = "408 Request Timeout"


class WholeBody:
    """Hands on requests whose body is here. What is larger than DATA_UPLOAD_MAX_MEMORY_SIZE is never read whole."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.callers = SlowCallers(settings.WEB_BODY_SECONDS, crowd=settings.WEB_THREADS // 2)
        self.rooms = Gate(ROOMS)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length, limit = _length(environ), settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        if length == 0:
            return self.application(environ, start_response)
        if length is not None and length > limit:
            return self.application(environ | {"wsgi.input": LeftUnread()}, start_response)
        if length is not None and length <= LARGE:
            return self._with_body(environ, start_response, length)
        if not self.rooms.enter():
            return self.application(environ | {"wsgi.input": BytesIO(), NO_ROOM: True}, start_response)
        try:
            return self._with_body(environ, start_response, length)
        finally:
            self.rooms.leave()

    def _with_body(self, environ: dict[str, Any], start_response: Any, length: int | None) -> Iterable[bytes]:
        wanted = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1 if length is None else length
        body = self.callers.read(environ, wanted)
        if body is None:  # the caller has been told, and the connection is closed
            start_response(TOO_SLOW, [])
            return [b""]
        if length is None and len(body) == wanted:  # there is more than is ever taken
            told = {"wsgi.input": LeftUnread(), "CONTENT_LENGTH": str(wanted)}
            return self.application(environ | told, start_response)
        if length is not None and len(body) < length:  # the caller left in the middle: nobody reads the answer
            start_response("400 Bad Request", [])
            return [b""]
        return self.application(
            environ | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}, start_response
        )


class LeftUnread:
    """Stands for a body that is too large. Whoever asks for it refuses the request with 413."""

    def read(self, size: int = -1) -> NoReturn:
        raise RequestDataTooBig("The body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE.")

    readline = read


def _length(environ: dict[str, Any]) -> int | None:
    """In bytes; None: there may be one of unknown length."""
    said = environ.get("CONTENT_LENGTH")
    if said:
        return int(said) if said.isdecimal() else 0
    # `input_terminated`: the server ends the stream with the body, so that reading it never waits for more.
    has_end = environ.get("wsgi.input_terminated")
    in_chunks = "HTTP_TRANSFER_ENCODING" in environ or environ.get("SERVER_PROTOCOL") == "HTTP/2"
    return None if has_end and in_chunks else 0
