"""The threads that send calls. Each has a place at the endpoint and takes the next call as soon as it has an answer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from learning.llm_answers import Answer
from learning.llm_http import CallFailed
from learning.llm_ledger import Call

Result = tuple[Call, Answer | CallFailed]


class Senders:
    """Threads that end by themselves when nothing is ready. All but the threads is used from one thread."""

    def __init__(self, send: Callable[[Call], Answer]) -> None:
        self._send = send
        self._ready: deque[Call] = deque()
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = False
        self._paused_until = 0.0
        self._shed = 0
        self.active = 0
        self.under_way = 0

    @property
    def ready(self) -> int:
        """Calls that wait for a thread."""
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Nothing is under way, and every result was taken."""
        with self._lock:
            return not self.under_way and not self._ready and self._results.empty()

    def add(self, calls: list[Call]) -> None:
        with self._lock:
            self._ready.extend(calls)

    def wanted(self, most: int) -> int:
        """How many more threads there is work for, so that there are `most` at most."""
        with self._lock:
            return max(0, min(len(self._ready), most - self.active))

    def start(self, threads: int) -> None:
        with self._lock:
            self.active += threads
        for _ in range(threads):
            threading.Thread(target=self._work, name="llm", daemon=True).start()

    def results(self, timeout: float) -> list[Result]:
        """What came back; waits so many seconds for the first."""
        found: list[Result] = []
        try:
            found.append(self._results.get(timeout=timeout) if timeout > 0 else self._results.get_nowait())
            while True:
                found.append(self._results.get_nowait())
        except Empty:
            return found

    def pause(self, seconds: float) -> None:
        """No call begins for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    @property
    def paused(self) -> float:
        """Seconds until calls may begin again."""
        return max(0.0, self._paused_until - time.monotonic())

    def shed(self, threads: int) -> None:
        """So many threads end after the call that they are at."""
        with self._lock:
            self._shed = threads

    def stop(self) -> list[Call]:
        """No call begins any more; those that never began."""
        with self._lock:
            self._stopped = True
            unsent = list(self._ready)
            self._ready.clear()
            return unsent

    def _next(self) -> Call | None:
        with self._lock:
            if self._shed and self.active > 0:
                self._shed -= 1
            elif self._ready and not self._stopped and time.monotonic() >= self._paused_until:
                self.under_way += 1
                return self._ready.popleft()
            self.active -= 1
            return None

    def _work(self) -> None:
        while (call := self._next()) is not None:
            self._results.put((call, self._attempt(call)))  # before it is no longer under way: nothing is overlooked
            with self._lock:
                self.under_way -= 1

    def _attempt(self, call: Call) -> Answer | CallFailed:
        try:
            return self._send(call)
        except CallFailed as failure:
            return failure
        except Exception as error:  # a fault of ours must not leave the call under way for ever
            return CallFailed(f"internal error: {type(error).__name__}: {error}", maybe_paid=True)
