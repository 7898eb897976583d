"""kill -9 of web workers and of the whole web server while feedback comes in: nothing is lost or doubled."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection

from learning.models import AgentFeedback, LearningExample
from organizations.scope import organization_scope
from project.services.options import Options
from project.services.programs import web
from tests import factories

ITEMS, SENDERS = 400, 4
PATIENCE = 120.0  # seconds for everything; an idle machine takes about ten
ROOT = Path(__file__).resolve().parents[2]


class Server:
    """The web server as the product starts it, on the database of the tests."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        entry = connection.settings_dict
        address = f"postgresql://{entry['USER']}@/{entry['NAME']}?host={entry['HOST']}"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE_URL": address,
            "DB_POOL": "1",
            "INTAKE_RATE_PER_MINUTE": "0",
        }
        self.start()

    def start(self) -> None:
        options = dataclasses.replace(Options.from_environment(), host="127.0.0.1", port=self.port)
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            web(options).argv, cwd=ROOT, env=self.environment, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def workers(self) -> list[int]:
        """The processes that serve, without the one that watches them."""
        found = []
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"resource_tracker" not in command:
                    found.append(int(pid))
        return found

    def kill_worker(self) -> None:
        """Kill one that serves; right after the last kill its successor may not stand yet."""
        deadline = time.monotonic() + PATIENCE
        while not (serving := self.workers()):
            assert time.monotonic() < deadline, "no worker came back after it was killed"
            time.sleep(0.05)
        os.kill(serving[0], signal.SIGKILL)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the web server did not start")


class Senders:
    """Threads that send each item until it is acknowledged, as a careful client does."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.headers = f"{url}/api/learning/feedback", {"Authorization": f"Bearer {key}"}
        self.acknowledged: dict[str, str] = {}
        self.repeated = 0
        self.deadline = time.monotonic() + PATIENCE
        self.threads = [threading.Thread(target=self._send, args=(part,)) for part in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _send(self, part: int) -> None:
        with httpx.Client(headers=self.headers, timeout=5) as client:
            for number in range(part, ITEMS, SENDERS):
                self._send_one(client, f"key-{number}", number)

    def _send_one(self, client: httpx.Client, key: str, number: int) -> None:
        said = {"feedback_type": "thumbs_up"} if number % 2 else {"feedback_type": "correction", "correction_text": key}
        body = {"agent_id": "cook", "execution_id": f"run-{number}"} | said
        while time.monotonic() < self.deadline:
            try:
                answer = client.post(self.url, json=body, headers={"Idempotency-Key": key})
            except httpx.HTTPError:
                self.repeated += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["feedback_id"]
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.05)

    def wait_for(self, count: int) -> None:
        while len(self.acknowledged) < count and time.monotonic() < self.deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= count


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    running = Server()
    try:
        running.wait()
        yield running
    finally:
        running.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc")
def test_acknowledged_feedback_is_there_exactly_once_after_kills(server: Server) -> None:
    organization = factories.make_organization()
    senders = Senders(server.url, factories.make_key(organization))
    senders.wait_for(ITEMS // 8)
    server.kill_worker()
    senders.wait_for(ITEMS // 3)
    server.kill()
    server.start()
    senders.wait_for(ITEMS * 2 // 3)
    server.kill_worker()
    for thread in senders.threads:
        thread.join()
    assert len(senders.acknowledged) == ITEMS
    assert senders.repeated > 0, "the kills hit nobody, so this run shows nothing"
    with organization_scope(organization.id):
        stored = {key: str(row) for key, row in AgentFeedback.objects.values_list("idempotency_key", "id")}
        assert stored == senders.acknowledged
        assert AgentFeedback.objects.count() == ITEMS
        corrections = LearningExample.objects.values_list("expected_output", flat=True)
        assert sorted(corrections) == sorted(f"key-{number}" for number in range(0, ITEMS, 2))
