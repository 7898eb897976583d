"""What the drill kills with SIGKILL, and how each comes back as the supervisor would bring it back."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from project.services.children import Child
from project.services.cluster import Cluster
from project.services.errors import ServiceError
from project.services.processes import command_line

PATIENCE = 120.0  # seconds until a killed PostgreSQL must be back


class Targets:
    """A running web service and a running cluster. `kill(name)` raises ServiceError when one does not come back."""

    def __init__(self, web: Child, cluster: Cluster, rng: random.Random) -> None:
        self.web, self.cluster, self.rng = web, cluster, rng
        self.ways: dict[str, Callable[[], bool]] = {
            "web_worker": self._kill_web_worker,
            "web_service": self._kill_web_service,
            "database_backend": self._kill_backend,
            "database_server": self._kill_postmaster,
        }

    def kill(self, name: str) -> bool:
        """Whether there was something to kill just now."""
        return self.ways[name]()

    def watch(self) -> None:
        """One look, as the supervisor's: a dead web service starts again when it is time."""
        self.web.watch()

    def _kill_web_worker(self) -> bool:
        """The service notices, and makes a new one."""
        pid = self.web.pid
        return pid is not None and self._kill_one_of(children_of(pid), "granian")

    def _kill_web_service(self) -> bool:
        """The process that watches the workers; the supervisor ends those and starts everything again."""
        pid = self.web.pid
        if pid is None:
            return False
        _kill(pid)
        return True

    def _kill_backend(self) -> bool:
        """One process of the database that serves the application; PostgreSQL then ends all others and recovers."""
        assert self.cluster.postgres and self.cluster.postgres.process  # noqa: S101  the drill's cluster has one
        return self._kill_one_of(children_of(self.cluster.postgres.process.pid), "als_app")

    def _kill_postmaster(self) -> bool:
        postgres = self.cluster.postgres
        assert postgres and postgres.process  # noqa: S101  the drill's cluster has one
        _kill(postgres.process.pid)
        postgres.process.wait()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                postgres.start()
            except ServiceError:  # orphaned backends hold the shared memory until they notice
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return True

    def _kill_one_of(self, pids: list[int], running: str) -> bool:
        found = [pid for pid in pids if running in command_line(pid) and "resource_tracker" not in command_line(pid)]
        if found:
            _kill(self.rng.choice(found))
        return bool(found)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in children.read_text().split()]
    return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
