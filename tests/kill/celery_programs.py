"""Worker and beat in processes of their own, as the product starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from celery import Celery
from django.conf import settings
from django.db import connection

from project.services.programs import Program
from tests.scripted_llm import ScriptedLLM
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150.0
AT_ONCE = {"LLM_CONCURRENCY": "3", "LLM_WORKER_CONCURRENCY": "1"}  # three workers help each other, one call each


class Programs:
    """Worker and beat as the product starts them, on the database and broker of the tests."""

    def __init__(self, folder: Path, llm: ScriptedLLM) -> None:
        entry = connection.settings_dict
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.prefix = f"{uuid4().hex}:"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.kill.settings",
            "ALS_TEST_PREFIX": self.prefix,
            "DATABASE_URL": f"postgresql://{entry['USER']}@/{entry['NAME']}?host={entry['HOST']}",
            "DB_POOL": "0",
            "OPENAI_BASE_URL": llm.base_url,
            **AT_ONCE,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log_of(len(self.running)).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "project", *arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def log_of(self, number: int) -> Path:
        return self.folder / f"{number}.log"

    def start_helpers(self, count: int) -> None:
        """Workers that are ready to work."""
        for _ in range(count):
            self.start_worker()
        self.wait_until_ready()

    def start_the_workers_of(self, programs: list[Program]) -> None:
        """With the arguments that the product starts them with, and ready to work."""
        for program in programs:
            self.start(*program.argv[program.argv.index("worker") :])
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        for number in range(len(self.running)):
            wait_until(lambda: " ready." in self.log_of(number).read_text(), PATIENCE)  # noqa: B023  called at once

    def working_on(self, task: str) -> list[subprocess.Popen[bytes]]:
        """The programs that got such a task."""
        return [one for number, one in enumerate(self.running) if f"{task}[" in self.log_of(number).read_text()]

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO")

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", "--pidfile=", "--schedule", str(self.folder / "schedule"), "--loglevel", "INFO")

    def sweep(self, what: str = "training") -> None:
        """What beat does every ten seconds."""
        app = Celery(broker=settings.CELERY_BROKER_URL, set_as_current=False)
        app.conf.broker_transport_options = {"global_keyprefix": self.prefix}
        app.send_task(f"learning.sweep_{what}")
        app.close()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """The whole program at once, pool processes included."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                self.kill(process)
