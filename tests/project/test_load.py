"""The tools of the benchmarks measure what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from project.load import tool, usage
from project.load.tool import Load, send

BODY = json.dumps({"feedback_type": "thumbs_up"}).encode()


class Answering(BaseHTTPRequestHandler):
    """Answers each POST after ten milliseconds, and remembers it."""

    protocol_version = "HTTP/1.1"
    status, seen = 201, []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], self.headers["Idempotency-Key"], body))
        time.sleep(0.01)
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[Any]:
    class Handler(Answering):
        seen: list[Any] = []

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.handler = Handler  # type: ignore[attr-defined]
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd
    httpd.shutdown()


@pytest.fixture(params=["wrk", "project.load.sender"])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "wrk" and tool.tool_name() != "wrk":
        pytest.skip("wrk is not installed")
    monkeypatch.setattr(tool, "tool_name", lambda: request.param)
    return request.param


def load(server: Any, expected: int = 201) -> Load:
    return Load(f"http://127.0.0.1:{server.server_port}/api/x", "sk_key", BODY, expected, connections=3)


def test_each_request_has_a_key_of_its_own_and_is_counted(server: Any, name: str) -> None:
    sent = send(load(server), 1)
    seen = server.handler.seen
    assert 0 <= len(seen) - sent.requests <= 3, "those on their way at the end are not counted by every tool"
    assert len({key for _, _, key, _ in seen}) == len(seen)
    assert {(path, key, body) for path, key, _, body in seen} == {("/api/x", "Bearer sk_key", BODY)}
    assert 10 <= sent.p50_ms <= sent.p99_ms
    assert sent.rate == pytest.approx(sent.requests / sent.seconds)
    assert sent.rate < 310, "three connections, ten milliseconds each"


def test_another_answer_than_the_expected_one_fails(server: Any, name: str) -> None:
    server.handler.status = 503
    with pytest.raises(RuntimeError, match="503"):
        send(load(server), 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_processor_time_and_memory_include_the_children() -> None:
    child = "import time\nx = bytearray(50_000_000)\nwhile time.process_time() < 0.3: pass\ntime.sleep(30)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        deadline = time.monotonic() + 30
        while usage.cpu_seconds(process.pid) < 0.3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 0.3 <= usage.cpu_seconds(process.pid) < 3
        rss, pss = usage.memory_mb(process.pid)
        assert 50 < pss <= rss < 150
    finally:
        for pid in reversed(list(usage.processes(process.pid))):
            os.kill(pid, 9)
        process.wait()
