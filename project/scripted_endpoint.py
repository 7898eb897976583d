"""An OpenAI-compatible endpoint that answers "positive" after a fixed time: `python -m project.scripted_endpoint 0.05`.

It prints its port, and does little else than wait, so that what a benchmark measures is the other side. GET tells how
many calls it has answered and how many at most at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import cast

REPLY = {
    "id": "scripted",
    "object": "chat.completion",
    "created": 0,
    "model": "scripted",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "positive"}}],
    "usage": {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51},
}


@dataclass
class Counts:
    answered: int = 0
    under_way: int = 0
    most: int = 0


class Connection(asyncio.Protocol):
    """One kept connection: one request at a time, as HTTP/1.1 has it."""

    def __init__(self, latency: float, counts: Counts) -> None:
        self._latency, self._counts = latency, counts
        self._buffer = b""
        self._answer = with_head(json.dumps(REPLY).encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._buffer = b""
        if head.startswith(b"GET"):
            self._write(with_head(json.dumps(self._counts.__dict__).encode()))
            return
        self._counts.under_way += 1
        self._counts.most = max(self._counts.most, self._counts.under_way)
        asyncio.get_running_loop().call_later(self._latency, self._reply)

    def _reply(self) -> None:
        self._counts.under_way -= 1
        self._counts.answered += 1
        self._write(self._answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def with_head(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def serve(latency: float) -> None:
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency, counts), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
