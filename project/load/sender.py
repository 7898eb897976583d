"""A sender for machines without wrk: `python -m project.load.sender ADDRESS CONNECTIONS SECONDS KEY BODY BEGINS CODE`.

Non-blocking sockets in one thread, requests as bytes, and only as much of HTTP as a server of ours answers with.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Sender:
    """One run. Latencies are in seconds."""

    address: str
    head: bytes
    body: bytes
    begins: str
    expected: bytes
    sent: int = 0
    failures: int = 0
    latencies: list[float] = field(default_factory=list)

    def run(self, connections: int, seconds: float) -> float:
        """Send for so long; the seconds it took until the last answer."""
        parts = urlsplit(self.address)
        selector = selectors.DefaultSelector()
        for _ in range(connections):
            connection = socket.create_connection((parts.hostname or "", parts.port or 80))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, [self._send(connection), b""])
        started = time.perf_counter()
        while selector.get_map():
            for ready, _ in selector.select(timeout=30) or self._give_up():
                self._receive(selector, ready, until=started + seconds)
        return time.perf_counter() - started

    def _send(self, connection: socket.socket) -> float:
        self.sent += 1
        key = f"Idempotency-Key: {self.begins}-{self.sent}\r\n\r\n".encode()
        moment = time.perf_counter()
        connection.sendall(self.head + key + self.body)
        return moment

    def _receive(self, selector: selectors.BaseSelector, ready: selectors.SelectorKey, until: float) -> None:
        connection, state = ready.fileobj, ready.data
        assert isinstance(connection, socket.socket)  # noqa: S101  what we registered
        received = connection.recv(1 << 20)
        state[1] += received
        if received and not _is_whole(state[1]):
            return
        if state[1].startswith(self.expected):
            self.latencies.append(time.perf_counter() - state[0])
        else:
            self.failures += 1
            sys.stderr.write(state[1][:500].decode(errors="replace"))
        if received and time.perf_counter() < until:
            state[:] = [self._send(connection), b""]
        else:
            selector.unregister(connection)
            connection.close()

    def _give_up(self) -> list[tuple[selectors.SelectorKey, int]]:
        raise SystemExit("No answer for 30 seconds.")


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(HEAD_END)
    length = LENGTH.search(head)
    return bool(found) and length is not None and len(body) >= int(length[1])


def main(address: str, connections: str, seconds: str, key: str, body: str, begins: str, status: str) -> None:
    content = Path(body).read_bytes()
    parts = urlsplit(address)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(content)}\r\n"
    )
    sender = Sender(address, head.encode(), content, begins, f"HTTP/1.1 {status} ".encode())
    took = sender.run(int(connections), float(seconds))
    ordered = sorted(sender.latencies) or [0.0]
    figures = {"requests": len(sender.latencies), "seconds": took, "failures": sender.failures}
    figures |= {
        f"p{share}_ms": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000 for share in (50, 99)
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
