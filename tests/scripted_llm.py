"""An OpenAI-compatible server that answers by a function, over real HTTP, with failures on demand.

with ScriptedLLM(lambda messages: "positive") as server:
    server.fail_next(Fault(429, retry_after=0.1))
    OpenAIModel(base_url=server.base_url, ...)
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Answer = Callable[[list[dict[str, str]]], str]


@dataclass(frozen=True)
class Fault:
    """One bad answer: a status, a body, or silence for `delay` seconds (longer than the client waits is a timeout)."""

    status: int = 500
    retry_after: float | str | None = None
    delay: float = 0.0
    body: bytes | None = None  # sent as it is


@dataclass
class ScriptedLLM:
    """Answers chats by `answer(messages)`. `calls` holds every request body, faulty ones included."""

    answer: Answer
    delay: float = 0.0
    models: Sequence[str] = ()  # that it lists; none: it does not say
    asked_for_models: int = 0
    answers_as: str = ""  # the model that it says answered; else the one that was asked
    calls: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    most_at_once: int = 0
    _faults: deque[Fault] = field(default_factory=deque)
    _busy: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def fail_next(self, *faults: Fault) -> None:
        """The next requests get these faults, in order."""
        self._faults.extend(faults)

    def handle(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any] | bytes]:
        """Status, headers and body for one request."""
        with self._lock:
            self.calls.append(body)
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
            fault = self._faults.popleft() if self._faults else None
        try:
            time.sleep(fault.delay if fault else self.delay)
            if fault:
                headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
                fallback = {"error": {"message": f"scripted fault {fault.status}"}}
                return fault.status, headers, fallback if fault.body is None else fault.body
            reply = embeddings(body) if path.endswith("/embeddings") else chat(body, self.answer(body["messages"]))
            if self.answers_as:
                reply["model"] = self.answers_as
            with self._lock:
                self.answered += 1
            return 200, {}, reply
        finally:
            with self._lock:
                self._busy -= 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def chat(body: dict[str, Any], text: str) -> dict[str, Any]:
    """The body of a chat completion; one token for each word."""
    asked = sum(len(message["content"].split()) for message in body["messages"])
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": len(text.split()),
            "total_tokens": asked + len(text.split()),
        },
    }


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Vectors of four numbers that depend on the text's length and first letters."""
    data = [
        {"object": "embedding", "index": n, "embedding": [float(len(text)), *map(float, text.encode()[:3].ljust(3))]}
        for n, text in enumerate(_as_list(body["input"]))
    ]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def _as_list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _handler(script: ScriptedLLM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            if not raw:
                raise ConnectionError("the client went away")
            body = json.loads(raw)
            status, headers, reply = script.handle(self.path, body)
            content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            try:
                self.send_response(status)
                for name, value in {**headers, "content-type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up waiting

        def do_GET(self) -> None:
            script.asked_for_models += 1
            listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in script.models]}
            content = json.dumps(listed).encode()
            self.send_response(200 if script.models else 404)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    return Handler
