"""The web server as the product starts it, one process, on the database of the tests."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.db import connection

from project.services.options import Options
from project.services.programs import web

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def web_server(**settings: str) -> Iterator[httpx.Client]:
    """A client of it. `settings`: of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    entry = connection.settings_dict
    program = web(dataclasses.replace(Options.from_environment(), host="127.0.0.1", port=port))
    own = {
        "DATABASE_URL": f"postgresql://{entry['USER']}@/{entry['NAME']}?host={entry['HOST']}",
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "DB_POOL": "1",
        "INTAKE_RATE_PER_MINUTE": "0",
    }
    argv = [*program.argv]
    argv[argv.index("--workers") + 1] = "1"
    process = subprocess.Popen(
        argv, cwd=ROOT, env=program.full_environment() | own | settings, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for _ in range(600):
                try:
                    if client.get("/healthz").status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield client
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
