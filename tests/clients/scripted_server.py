"""An HTTP server that behaves as a test says: answers, headers, silence, being away. It speaks the batch endpoints."""

from __future__ import annotations

import json
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Answer(NamedTuple):
    """status 0: the connection is closed without an answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}
    after: float = 0.0  # seconds


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # five, the default, makes clients that come together wait for seconds

    def handle_error(self, *args: Any) -> None:
        """Clients that leave in the middle are part of the tests."""


class ScriptedServer:
    """`answers` are given first; then every item is taken. `items` holds the bodies that were taken, by path."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.sent: list[Sent] = []
        self.items: dict[str, list[dict[str, Any]]] = {}
        self.connections: set[int] = set()  # the ports at the other end
        self._lock = Lock()
        self._server: ThreadingHTTPServer | None = None
        self.start()

    def start(self, port: int = 0) -> None:
        self._server = Listener(("127.0.0.1", port), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Nobody listens at the address any more, and connections that are open are dead."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def back(self) -> None:
        self.start(self.port)

    def all_items(self, kind: str) -> list[dict[str, Any]]:
        return self.items.get(f"/api/learning/{kind}/batch", [])

    def answer(self, sent: Sent) -> Answer:
        with self._lock:
            self.sent.append(sent)
            if self.answers:
                return self.answers.popleft()
            if sent.path.endswith("/batch"):
                taken = sent.body["items"]
                self.items.setdefault(sent.path, []).extend(taken)
                return Answer(200, {"results": [{"index": i, "status": 201, "id": "x"} for i in range(len(taken))]})
            return Answer(201, {"feedback_id": "f-1", "execution_id": "e-1", "success": True})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._do(None)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                self._do(json.loads(raw) if raw else None)

            def _do(self, body: Any) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.connections.add(self.client_address[1])
                answer = server.answer(Sent(self.command, self.path, headers, body))
                time.sleep(answer.after)
                if answer.status == 0 or server._server is None:
                    self.close_connection = True
                    return
                content = b"" if answer.body is None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        return Handler
