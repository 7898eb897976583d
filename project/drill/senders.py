"""Careful clients: each sends the same request until it is acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from project.drill.ledger import Ledger, item

TIMEOUT = 10.0  # seconds that a client waits for an answer
SINGLES = 0.25  # share of the items that are sent one by one
LARGEST_BATCH = 200
SENT_AGAIN = 0.03  # share of acknowledged requests that are sent once more, as after an answer that got lost
PAUSE = 0.3  # seconds before the next try, at most


class Senders:
    """Threads that share the items among them."""

    def __init__(self, address: str, key: str, items: int, threads: int, seed: int) -> None:
        parts = urlsplit(address)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.key, self.seed = key, seed
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self._parts = _parts(items, random.Random(seed))
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(threads)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    @property
    def working(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _work(self, number: int) -> None:
        client = Client(self, random.Random(f"{self.seed}-{number}"))
        while not self.stopping.is_set():
            with self._lock:
                part = next(self._parts, None)
            if part is None:
                return
            client.deliver(part)


class Client:
    """One client with a kept connection."""

    def __init__(self, senders: Senders, rng: random.Random) -> None:
        self.senders, self.ledger, self.rng = senders, senders.ledger, rng
        self.connection: http.client.HTTPConnection | None = None

    def deliver(self, numbers: range) -> None:
        """Send these items, alone or as a batch, until they are acknowledged, and now and then once more."""
        while not self.senders.stopping.is_set():
            ids = self._try(numbers)
            if ids is None:
                self.ledger.count("repeated")
                time.sleep(self.rng.uniform(0, PAUSE))
                continue
            self.ledger.acknowledge(ids)
            if self.rng.random() >= SENT_AGAIN:
                return
            self.ledger.count("sent_again")

    def _try(self, numbers: range) -> dict[str, str] | None:
        """The ids by key; None when the request has to be sent again."""
        try:
            status, body = self._post(numbers)
        except (OSError, http.client.HTTPException):
            self.ledger.count("broken_connections")
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None
        if status in (429, 503):
            self.ledger.count(f"answered_{status}")
            return None
        try:
            return _ids(numbers, status, json.loads(body))
        except (KeyError, ValueError):
            self.ledger.surprise(f"{status}: {body[:200]!r}")
            return None

    def _post(self, numbers: range) -> tuple[int, bytes]:
        items = [item(number) for number in numbers]
        headers = {"Authorization": f"Bearer {self.senders.key}", "Content-Type": "application/json"}
        body: dict[str, Any] = {"items": items}
        path = "/api/learning/feedback/batch"
        if len(items) == 1:
            (body,) = items
            path = "/api/learning/feedback"
            headers["Idempotency-Key"] = body.pop("id")
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.senders.host, self.senders.port, timeout=TIMEOUT)
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def _ids(numbers: range, status: int, answer: Any) -> dict[str, str]:
    """Raises KeyError or ValueError for an answer that is no acknowledgement of every item."""
    keys = [f"item-{number}" for number in numbers]
    if len(keys) == 1 and status == 201:
        return {keys[0]: answer["feedback_id"]}
    results = answer["results"]
    if status != 200 or [result["status"] for result in results] != [201] * len(keys):
        raise ValueError("not every item was taken")
    return {keys[result["index"]]: result["id"] for result in results}


def _parts(items: int, rng: random.Random) -> Iterator[range]:
    """All items in order: alone, or in batches of any size."""
    at = 0
    while at < items:
        mean_batch = (2 + LARGEST_BATCH) / 2
        alone = rng.random() < SINGLES / (SINGLES + (1 - SINGLES) / mean_batch)
        size = 1 if alone else rng.randint(2, LARGEST_BATCH)
        yield range(at, min(items, at + size))
        at += size
