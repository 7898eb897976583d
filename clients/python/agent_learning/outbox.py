"""What waits to be sent, and the thread that sends it. Putting something in costs microseconds and never raises."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.util import Finalize
from typing import Any
from weakref import WeakSet

from agent_learning.background import Background, Counts
from agent_learning.courier import Courier, Delivery, Item, Kind, chunks
from agent_learning.encoding import encoded
from agent_learning.forks import begin_anew_in_child
from agent_learning.transport import pause

log = logging.getLogger("agent_learning")
LONGEST_WAIT = 30.0  # seconds between two tries
WAIT_AT_THE_END = 0.5  # the same while the process is about to end
_living: WeakSet[Outbox] = WeakSet()


class Outbox:
    """A bounded queue with one sender thread, which is started by the first item in each process."""

    def __init__(self, courier: Courier, options: Background) -> None:
        self._courier, self._options = courier, options
        self.begin_anew()
        begin_anew_in_child(self)
        _living.add(self)

    def begin_anew(self) -> None:
        """Empty, without a thread. In a forked child the parent sends what was there."""
        self._changed = threading.Condition()
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._counts = Counts()
        self._thread: threading.Thread | None = None
        self._troubled = False  # the last try failed, and it was said
        self._flushes = 0  # how many want everything sent at once
        self._end: float | None = None  # on the monotonic clock: when to give up

    @property
    def counts(self) -> Counts:
        with self._changed:
            return replace(self._counts)

    def put(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Never raises for what the body holds: what is no JSON is sent as text, or counted as lost."""
        try:
            item = Item(kind, encoded(body))
        except Exception as error:  # also what the application's own __str__ raises
            log.warning("This cannot be sent as JSON: %s", error)
            with self._changed:
                self._counts.put += 1
                self._lose(str(error))
            return
        with self._changed:
            self._counts.put += 1
            if self._end is not None:
                self._lose("The client is closed.")
                return
            self._make_room(len(item.body))
            self._items.append(item)
            self._bytes += len(item.body)
            if self._thread is None:
                self._start()
            if len(self._items) in (1, self._options.batch_size):
                self._changed.notify_all()

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Send everything that was put in so far. False when not all of it was settled in `timeout` seconds."""
        with self._changed:
            target = self._counts.put
            self._flushes += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._counts.settled >= target, timeout)
            finally:
                self._flushes -= 1

    def close(self, timeout: float | None = None) -> bool:
        """Send what is left for `timeout` seconds (left out: exit_timeout), then give up. True when nothing was lost by
        giving up."""
        limit = self._options.exit_timeout if timeout is None else timeout
        with self._changed:
            self._end = time.monotonic() + limit if self._end is None else self._end
            thread = self._thread
            self._changed.notify_all()
        if thread is None:
            self._work()  # no thread could be started, or there was nothing to do
        else:
            thread.join(limit + 0.1)
        with self._changed:
            return self._counts.waiting == 0

    def retire(self) -> None:
        """Nobody holds the client any more: send what is left, without anybody waiting for it."""
        with self._changed:
            self._end = time.monotonic() + self._options.exit_timeout if self._end is None else self._end
            self._changed.notify_all()

    # ------------------------------------------------------------------ all below: `_changed` is held unless said

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="agent-learning", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the interpreter is about to end: close() sends it
            log.warning("No thread could be started: %s", error)
            return
        self._thread = thread
        Finalize(None, _close_all, exitpriority=10)  # the children of multiprocessing end without atexit

    def _make_room(self, size: int) -> None:
        if not self._full(size):
            return
        if self._options.when_full == "block" and threading.current_thread() is not self._thread:
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._full(size), self._options.patience)
        while self._items and self._full(size):
            self._bytes -= len(self._items.popleft().body)
            self._lose("There was no room.")

    def _full(self, size: int) -> bool:
        return len(self._items) >= self._options.capacity or self._bytes + size > self._options.max_bytes

    def _lose(self, problem: str) -> None:
        self._counts.lost += 1
        self._counts.last_problem = problem

    def _work(self) -> None:
        """The thread, without the lock."""
        while batch := self._next_batch():
            for kind, items in chunks(batch):
                self._send(kind, items)

    def _next_batch(self) -> list[Item]:
        """What to send next; nothing when the outbox is closed and empty. Takes the lock."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._end is not None)
            self._changed.wait_for(self._urgent, self._options.interval)
            batch = [self._items.popleft() for _ in range(min(len(self._items), self._options.batch_size))]
            self._bytes -= sum(len(item.body) for item in batch)
            self._changed.notify_all()
            return batch

    def _urgent(self) -> bool:
        return len(self._items) >= self._options.batch_size or self._flushes > 0 or self._end is not None

    def _send(self, kind: Kind, items: list[Item]) -> None:
        """Until each is settled, without the lock."""
        todo, attempt = [items], 0
        while todo:
            chunk = todo.pop()
            if self._over():
                self._settle(Delivery(problem="There was no time to send it."), chunk)
                continue
            done = self._courier.deliver(kind, chunk, attempt)
            if done.halve and len(chunk) > 1:
                middle = len(chunk) // 2
                todo += [chunk[middle:], chunk[:middle]]
            elif done.stored or done.refused or done.halve:
                self._settle(done, chunk)
            else:
                self._wait(done, attempt)
                todo.append(chunk)
                attempt += 1
                continue
            attempt = 0

    def _over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def _settle(self, done: Delivery, chunk: list[Item]) -> None:
        refused = len(chunk) if done.halve else done.refused
        if done.halve:
            log.warning("The server refused an item: %s", done.problem)
        lost = len(chunk) - done.stored - refused
        with self._changed:
            self._troubled = self._troubled and not done.stored
            self._counts.stored += done.stored
            self._counts.refused += refused
            self._counts.lost += lost
            self._counts.last_problem = done.problem or self._counts.last_problem
            self._changed.notify_all()

    def _wait(self, done: Delivery, attempt: int) -> None:
        """Until the next try: shorter when somebody wants everything sent, or the end is near."""
        seconds = pause(attempt, done.again, LONGEST_WAIT) if done.again is not None else LONGEST_WAIT
        with self._changed:
            self._counts.retries += 1
            self._counts.last_problem = done.problem
            if not self._troubled:
                self._troubled = True
                log.warning("Sending in the background does not work at the moment: %s", done.problem)
            asked = self._flushes
            self._changed.wait_for(lambda: self._end is not None or self._flushes > asked, seconds)
            if self._end is not None:
                self._changed.wait(max(0.0, min(WAIT_AT_THE_END, self._end - time.monotonic())))


def _close_all() -> None:
    for outbox in list(_living):
        outbox.retire()
    for outbox in list(_living):
        outbox.close()


atexit.register(_close_all)
