"""An answer that breaks off in the middle is cut, so that nobody takes the half of it for the whole.

The web server (granian) ends a body in good order whatever ended its iteration, an error too, and the caller sees a
complete answer. So the connection is closed before the server hears of the error. The server does not say by which
connection a request came: it is the one of the caller's address that has been given as much as this answer had so far.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from project.connections import Connection, callers, plain_address

log = logging.getLogger(__name__)
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
PATIENCE = 1.0  # seconds until the server has surely given on what a caller takes
HEADERS = 4_000  # bytes at most
FRAME = 20  # bytes around a piece at most
IN_HAND = 8  # pieces that the server holds at most, for a caller who reads slowly


class CutWhenBroken:
    """Hands on answers, and watches over those whose length nobody knows beforehand."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer: Any = self.application(environ, start_response)
        if getattr(answer, "streaming", False) and not answer.has_header("Content-Length"):
            return Stream(answer, environ)
        return answer  # type: ignore[no-any-return]


class Stream:
    """The pieces of an answer. What it raises before there is any becomes an answer with status 500."""

    def __init__(self, answer: Any, environ: dict[str, Any]) -> None:
        self._answer, self._pieces = answer, iter(answer)
        self._address, self._port = plain_address(environ["REMOTE_ADDR"]), int(environ["SERVER_PORT"])
        self._lengths: list[int] = []
        with self._callers() as found:
            self._before = {name: size for _, name, size in _sizes(found)}
        try:
            self._first: list[bytes] = [piece] if (piece := next(self._pieces, None)) is not None else []
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first:
            piece = self._first.pop()
        else:
            try:
                piece = next(self._pieces)
            except StopIteration:
                raise
            except Exception:
                self._cut()
                raise
        self._lengths.append(len(piece))
        return piece

    def close(self) -> None:
        self._answer.close()

    def _cut(self) -> None:
        with self._callers() as found:
            mine = self._find(found)
            for one in mine:
                with suppress(OSError):  # the caller is gone
                    one.cut()
        log.warning("An answer broke off after %d bytes; connections cut: %d", sum(self._lengths), len(mine))

    def _find(self, found: Sequence[Connection]) -> list[Connection]:
        """The connection of this answer; more than one where others were given just as much."""
        told = sum(self._lengths)
        most = told + HEADERS + FRAME * len(self._lengths)
        until = time.monotonic() + PATIENCE
        while True:
            given = [(one, size - self._before[name]) for one, name, size in _sizes(found) if name in self._before]
            if all_of_it := [one for one, size in given if told <= size <= most]:
                return all_of_it
            if time.monotonic() > until:
                least = told - IN_HAND * max(self._lengths)
                return [one for one, size in given if max(least, 1) <= size < told and one.on_its_way()]
            time.sleep(0.02)

    @contextmanager
    def _callers(self) -> Iterator[list[Connection]]:
        """The connections of the caller's address; none on a system that does not tell them."""
        found: list[Connection] = []
        try:
            found.extend(callers(self._port))
        except OSError as error:
            log.debug("Connections are not known here: %s", error)
        try:
            yield [one for one in found if one.peer == self._address]
        finally:
            for one in found:
                one.close()


def _sizes(found: Iterable[Connection]) -> Iterator[tuple[Connection, tuple[Any, ...], int]]:
    """Each connection with its other end and the bytes that it was given, but for those that have ended meanwhile."""
    for one in found:
        with suppress(OSError):
            yield one, one.caller, one.given()
