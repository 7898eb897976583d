"""The programs that the supervisor keeps running: how each is started and how it likes to be ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from organizations.work_queues import SHORT
from project.services.local_model import ENVIRONMENT as MODEL_ENVIRONMENT
from project.services.local_model import model_command
from project.services.options import Options
from project.services.place import PROJECT_DIR, Place

# A connection pool does not survive the fork of a worker, and beat has one thread.
NO_POOL = {"DB_POOL": "0"}
# A statement that hangs gives its place back, as a 503, before callers give up. One arena, few threads, and free
# memory that goes back to the system at once, so that less of it is held (docs/decisions/0011).
WEB_DEFAULTS = {
    "WEB_THREADS": "256",  # a slow caller holds one; they start when they are needed
    "DB_STATEMENT_MS": "20000",
    "DB_LOCK_MS": "4000",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "131072",  # bytes
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Program:
    """One program. `patience` is in seconds: how long it may take to end after SIGTERM."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    death_signal: int = signal.SIGTERM  # what it gets when the supervisor is killed
    patience: float = 5
    restart: bool = True

    def full_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def web(options: Options) -> Program:
    environment = {name: os.environ.get(name, value) for name, value in WEB_DEFAULTS.items()}
    arguments = {
        "--interface": "wsgi",
        "--http": "1",  # a connection is one request at a time, which project/slow_callers.py can end
        "--host": options.host,
        "--port": str(options.port),
        "--workers": os.environ.get("WEB_WORKERS", "2"),
        "--blocking-threads": environment["WEB_THREADS"],
    }
    flags = ["--no-access-log", "--respawn-failed-workers"]
    pairs = [part for pair in arguments.items() for part in pair]
    argv = [sys.executable, "-m", "granian", *pairs, *flags, "project.wsgi:application"]
    return Program("web", argv, environment, patience=10)


def workers(options: Options) -> list[Program]:
    """Of two and more processes one takes no long work, so that small jobs never wait behind it (decision 0021)."""
    both = max(1, options.worker_processes - 1)
    programs = [_worker("worker", "--pool", "prefork", "--concurrency", str(both))]
    if options.worker_processes > both:
        # It does its tasks itself: a pool of one would be a process more.
        programs.append(_worker("quick", "--pool", "solo", "--queues", SHORT, "--hostname", "quick@%h"))
    return programs


def _worker(name: str, *arguments: str) -> Program:
    # SIGKILL: celery's own endings wait for a broker that is ending too. The rows of cut tasks are claimed again.
    argv = _celery("worker", *arguments, "--loglevel", "INFO")
    return Program(name, argv, NO_POOL, death_signal=signal.SIGKILL, patience=8)


def beat(place: Place) -> Program:
    schedule = place.state / "celerybeat-schedule"
    return Program("beat", _celery("beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(schedule)), NO_POOL)


def model(port: int) -> Program:
    return Program("model", model_command(port), MODEL_ENVIRONMENT, death_signal=signal.SIGKILL)


def demo() -> Program:
    return Program("demo", manage("demo", "--background"), restart=False)


def manage(command: str, *arguments: str) -> list[str]:
    return [sys.executable, str(PROJECT_DIR / "manage.py"), command, *arguments]


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "project", *arguments]
