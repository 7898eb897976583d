"""A small local site for browser tests: given pages under the product's content security policy, its static
files, and an API that answers as scripted and remembers what it was sent."""

from __future__ import annotations

import json
import mimetypes
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.staticfiles import finders

POLICY = "; ".join(
    f"{name} {' '.join(values)}" for name, values in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
)


class Sent(NamedTuple):
    """One request that reached the API."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # five, the default, refuses a browser that asks for a whole page at once


class Site:
    """`pages` maps paths to HTML; `answers` holds (status, body) for coming API requests, then 201 for ever.

    `standing` holds what a GET of a path is always answered: how often it is asked is the browser's choice.

    `policy` is the content security policy of the pages. A status of 0 closes the connection without an answer.
    """

    def __init__(self, pages: dict[str, str] | None = None, policy: str = POLICY) -> None:
        self.pages = pages or {}
        self.policy = policy
        self.answers: deque[tuple[int, dict[str, Any]]] = deque()
        self.standing: dict[str, dict[str, Any]] = {}
        self.sent: list[Sent] = []
        self._server = Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Site:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Sent) -> tuple[int, dict[str, Any]]:
        self.sent.append(request)
        if request.method == "GET" and request.path in self.standing:
            return 200, self.standing[request.path]
        return self.answers.popleft() if self.answers else (201, {"feedback_id": "f-1", "success": True})

    def content(self, path: str) -> tuple[bytes, str] | None:
        """What a GET of this path shows, with its type."""
        if path in self.pages:
            return self.pages[path].encode(), "text/html; charset=utf-8"
        found = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if not isinstance(found, str):
            return None
        return Path(found).read_bytes(), mimetypes.guess_type(found)[0] or "application/octet-stream"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # kept connections: closing one per file makes Chromium lose some under load

            def do_GET(self) -> None:
                if self.path.startswith("/api/"):
                    return self.reply_scripted(None)
                found = site.content(self.path.split("?")[0])
                return self.reply(200, *found) if found else self.reply(404, b"", "text/plain")

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                self.reply_scripted(json.loads(raw) if raw else None)

            def reply_scripted(self, body: Any) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, answer = site.answer(Sent(self.command, self.path, headers, body))
                if status == 0:
                    self.close_connection = True
                    return
                kind = "application/json" if status < 400 else "application/problem+json"
                self.reply(status, json.dumps(answer).encode(), kind)

            def reply(self, status: int, content: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.send_header("content-security-policy", site.policy)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        return Handler
