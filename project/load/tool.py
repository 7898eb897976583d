"""Sends a request again and again over many connections: by wrk where it is installed, else by our own small sender.

wrk is a C program that most distributions carry. It takes a tenth of the processor time of the sender, which on a small
machine leaves more of it to the server.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from project.services.place import PROJECT_DIR

SCRIPT = Path(__file__).with_name("intake.lua")


@dataclass(frozen=True)
class Load:
    """What to send: `body` by POST to `address`, which answers `expected`."""

    address: str
    key: str
    body: bytes
    expected: int
    connections: int


@dataclass(frozen=True)
class Sent:
    """What came back. Latencies are in milliseconds, seen by the sender."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def tool_name() -> str:
    return "wrk" if shutil.which("wrk") else "project.load.sender"


def send(load: Load, seconds: float) -> Sent:
    """Send for so long. Raises RuntimeError when an answer is not the one that is expected."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(load.body)
        body.flush()
        arguments = [load.key, body.name, uuid4().hex, str(load.expected)]
        done = subprocess.run(
            _command(load, seconds, arguments), cwd=PROJECT_DIR, capture_output=True, text=True, check=False
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"{tool_name()} failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
    found = json.loads(lines[-1])
    if found.pop("failures"):
        raise RuntimeError(f"Not every request was answered with {load.expected}: {done.stderr[-2000:]}")
    return Sent(**found)


def _command(load: Load, seconds: float, arguments: list[str]) -> list[str]:
    if tool_name() == "wrk":
        duration = f"{max(1, round(seconds))}s"
        head = ["wrk", "--threads", "1", "--connections", str(load.connections), "--duration", duration]
        return [*head, "--timeout", "30s", "--script", str(SCRIPT), load.address, "--", *arguments]
    head = [sys.executable, "-m", tool_name(), load.address, str(load.connections), str(seconds)]
    return [*head, *arguments]
