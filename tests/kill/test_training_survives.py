"""kill -9 of the worker in the middle of a training run: another worker goes on, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from learning.models import AgentConfig, GateReport, RunStatus, TrainingRun
from learning.services import training
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import ScriptedLLM

ROOT = Path(__file__).resolve().parents[2]
PROMISED = 90.0  # seconds from the kill until the run goes on or has failed with a reason
PATIENCE = 150.0
CALLS, CONCURRENCY = 120, 2


class Programs:
    """Worker and beat as the product starts them, on the database and broker of the tests."""

    def __init__(self, folder: Path, llm: ScriptedLLM) -> None:
        entry = connection.settings_dict
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE_URL": f"postgresql://{entry['USER']}@/{entry['NAME']}?host={entry['HOST']}",
            "DB_POOL": "0",
            "OPENAI_BASE_URL": llm.base_url,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}-{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "project", *arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO")

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", "--pidfile=", "--schedule", str(self.folder / "schedule"), "--loglevel", "INFO")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """The whole program at once, pool processes included."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                self.kill(process)


def needs_examples(messages: list[dict[str, str]]) -> str:
    label = "positive" if "good" in messages[-1]["content"] else "negative"
    return label if any(message["role"] == "assistant" for message in messages) else f"It is {label}."


@pytest.fixture
def llm() -> Iterator[ScriptedLLM]:
    with ScriptedLLM(needs_examples, delay=0.1) as server:
        yield server


@pytest.fixture
def programs(transactional_db: None, tmp_path: Path, llm: ScriptedLLM) -> Iterator[Programs]:
    started = Programs(tmp_path, llm)
    try:
        yield started
    finally:
        started.kill_all()


def wait_for(organization: Organization, run: TrainingRun, reached: Callable[[TrainingRun], bool]) -> TrainingRun:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with organization_scope(organization.pk):
            now = TrainingRun.objects.get(pk=run.pk)
        if reached(now):
            return now
        time.sleep(0.2)
    raise AssertionError(f"still {now.status}, attempt {now.attempt}, {now.llm_calls} calls: {now.failure_reason}")


@pytest.mark.slow
def test_a_run_goes_on_after_its_worker_was_killed(programs: Programs, llm: ScriptedLLM) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        run = training.start_training_run(agent=agent, config={"max_calls": CALLS})
    programs.start_beat()
    worker = programs.start_worker()
    wait_for(organization, run, lambda now: now.llm_calls >= 30)

    programs.kill(worker)
    killed = time.monotonic()
    programs.start_worker()
    wait_for(organization, run, lambda now: now.attempt == 2 or now.status != RunStatus.RUNNING)
    went_on_after = time.monotonic() - killed
    print(f"the run went on {went_on_after:.0f} seconds after kill -9")
    assert went_on_after < PROMISED

    done = wait_for(organization, run, lambda now: now.status not in (RunStatus.PENDING, RunStatus.RUNNING))
    assert (done.status, done.attempt, done.failure_reason) == (RunStatus.COMPLETED, 2, "")
    assert done.metrics["verdict"] == "improved"
    assert done.metrics["cost"]["cached_calls"] >= 28, "answers from before the kill were asked again"
    with organization_scope(organization.pk):
        assert AgentConfig.objects.filter(training_run=run).count() == 1
        assert GateReport.objects.filter(training_run=run).count() == 1
    gate_calls = [call for call in llm.calls if "CANARY" in str(call)]
    assert len(llm.calls) - len(gate_calls) <= CALLS + CONCURRENCY + 2 * 40  # the run, what was cut off, and its gate
