"""Callers who send the body of a request slowly, or not at all, are told so and cut off.

The web server (granian) reads a body for as long as the caller likes, and has no limit for that. So a watch looks after
the threads that read: it answers in the place of one that is late, and ends what the caller sends on this connection.
The thread then reads an end and is free.

The server does not say which connection a request came by. It is one of the caller's address that has been waiting for
an answer, and gets one at the moment in which the watch gives it.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from project.connections import Connection, callers, plain_address

log = logging.getLogger(__name__)
ROUND = 1.0  # seconds between two looks
CROWDED_PATIENCE = 2.0  # seconds
GIVE_UP = 2.0  # seconds until an answer has surely gone out
DETAIL = "The body of this request did not arrive in time. Nothing was stored; send the request again."


@dataclass(eq=False)
class Reading:
    """A thread that reads the body of a request; `since` on the monotonic clock."""

    environ: dict[str, Any]
    thread: int = field(default_factory=threading.get_ident)
    since: float = field(default_factory=time.monotonic)


class SlowCallers:
    """`patience` is in seconds. When more than `crowd` bodies are on their way at a time, CROWDED_PATIENCE is left."""

    def __init__(self, patience: float, crowd: int) -> None:
        self._patience, self._crowd = patience, crowd
        self._reading: dict[Reading, bool] = {}  # whoever takes one out decides what becomes of the request
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None

    def read(self, environ: dict[str, Any], size: int) -> bytes | None:
        """At most so many bytes of the body; None when the caller was too slow, and has been told so."""
        if self._watch is None:
            self._start()
        reading = Reading(environ)
        self._reading[reading] = True
        try:
            body: bytes = environ["wsgi.input"].read(size)
        finally:
            in_time = self._reading.pop(reading, False)
        return body if in_time else None

    def cut_off_late(self) -> int:
        """Look once. How many were late."""
        reading, now = list(self._reading), time.monotonic()
        patience = min(self._patience, CROWDED_PATIENCE) if len(reading) > self._crowd else self._patience
        late = [one for one in reading if now - one.since > patience]
        if not late:
            return 0
        found = list(callers(int(late[0].environ["SERVER_PORT"])))
        try:
            waiting = [one for one in found if one.unanswered_for() > patience - ROUND]
            addresses = [plain_address(one.environ["REMOTE_ADDR"]) for one in late if self._tell(one)]
            _end([one for one in waiting if one.peer in addresses], len(addresses))
        finally:
            for one in found:
                one.close()
        return len(addresses)

    def _tell(self, late: Reading) -> bool:
        """Answer for the thread; False when it goes on by itself."""
        protocol = _protocol_of(late.thread)  # while the thread still reads, so that it is this request's
        if protocol is None or not self._reading.pop(late, False):
            return False
        protocol.response_bytes(408, *_answer(late.environ["PATH_INFO"]))
        return True

    def _start(self) -> None:
        with self._lock:  # with the first request: a thread does not survive a fork
            if self._watch is None:
                self._watch = threading.Thread(target=self._look_after, name="slow callers", daemon=True)
                self._watch.start()

    def _look_after(self) -> None:
        while True:
            time.sleep(ROUND)
            try:
                if late := self.cut_off_late():
                    log.warning("Cut off %d callers whose requests did not arrive in time", late)
            except Exception:
                log.exception("The watch over slow callers failed; it goes on")


def _end(waiting: Sequence[Connection], expected: int) -> None:
    """End those that have their answer now, as soon as it has gone out."""
    until = time.monotonic() + GIVE_UP
    left = list(waiting)
    while left and expected > len(waiting) - len(left) and time.monotonic() < until:
        time.sleep(0.05)
        answered = [one for one in left if one.unanswered_for() < GIVE_UP / 2]
        for one in answered:
            one.end()
        left = [one for one in left if one not in answered]


def _protocol_of(thread: int) -> Any:
    """The server's handle of the request that a thread works on: the one thing that can answer from outside."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        for value in frame.f_locals.values():
            if hasattr(value, "response_bytes"):
                return value
        frame = frame.f_back
    return None


def _answer(path: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body: a problem document for programs, a line for people."""
    if not path.startswith("/api/"):
        return [("Content-Type", "text/plain"), ("Connection", "close")], DETAIL.encode()
    document = {"type": "about:blank", "title": "Request Timeout", "status": 408, "detail": DETAIL}
    return [("Content-Type", "application/problem+json"), ("Connection", "close")], json.dumps(document).encode()
