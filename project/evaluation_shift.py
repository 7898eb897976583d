"""Training runs that ask a scripted endpoint, for `manage.py bench_evaluations`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings

from learning.engines.metrics import exact
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.types import Budget, Example, Split
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, TrainingDataset, TrainingRun, TrainingType
from learning.services import run_progress
from learning.training_tasks import ProgressWriter, run_model
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import own_cluster
from project.services.place import PROJECT_DIR
from project.services.processes import die_with_parent

AT_ONCE = 4  # calls of one process
READY = 60.0  # seconds that a worker may take to start
CONTENT = {
    "system_prompt": "Classify the sentiment of the text. Answer with one word: positive or negative.",
    "examples": [],
    "model": "scripted",
    "parameters": {"temperature": 0, "max_tokens": 8},
    "input_template": "{input}",
}


@dataclass(frozen=True)
class Endpoint:
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def counts(self) -> dict[str, int]:
        """How many calls it has `answered`, and how many were under way at the `most`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


@contextmanager
def endpoint(latency: float) -> Iterator[Endpoint]:
    """A scripted endpoint; every client of this process and of those started from now on asks it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "project.scripted_endpoint", str(latency)],
        stdout=subprocess.PIPE, cwd=PROJECT_DIR, preexec_fn=lambda: die_with_parent(signal.SIGKILL), text=True,
    )  # fmt: skip
    try:
        found = Endpoint(int(process.stdout.readline() if process.stdout else 0))
        limits = {"LLM_CONCURRENCY": 64, "LLM_WORKER_CONCURRENCY": AT_ONCE, "OPENAI_BASE_URL": found.base_url}
        for name, value in limits.items():
            setattr(settings, name, value)
            os.environ[name] = str(value)
        yield found
    finally:
        process.kill()
        process.wait()


@contextmanager
def helpers(processes: int) -> Iterator[None]:
    """A worker of the product with so many processes, ready to work."""
    if not processes:
        yield
        return
    argv = [sys.executable, "-m", "celery", "-A", "project", "worker", "--pool", "prefork", "--concurrency",
            str(processes), "--loglevel", "INFO"]  # fmt: skip
    environment = own_cluster().environment() | {"DB_POOL": "0"}
    with tempfile.NamedTemporaryFile("w+") as log:
        worker = subprocess.Popen(
            argv, cwd=PROJECT_DIR, env=environment, stderr=log, stdout=log,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL), start_new_session=True,
        )  # fmt: skip
        try:
            _wait_until_ready(Path(log.name))
            yield
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def evaluate(organization_id: UUID, evaluations: int, at_once: int) -> float:
    """Seconds that a run takes from its claim until so many examples are scored; `at_once`: of all processes."""
    run_id = _queue_run(organization_id, evaluations, at_once)
    examples = [
        Example(f"{run_id}-{number}", f"Film {number} of {run_id} was good", "positive", Split.VALIDATION)
        for number in range(evaluations)
    ]
    began = time.perf_counter()
    with organization_scope(organization_id):
        claim = run_progress.claim_run(run_id=run_id)
        work = None if claim is None else run_progress.read_work(claim=claim)
    if work is None:
        raise RuntimeError("The run could not be claimed.")
    model, progress = run_model(organization_id, work), ProgressWriter(organization_id, work)
    evaluator = Evaluator(model, exact, Budget(evaluations), progress)
    answers = evaluator.score(work.prompt, examples, "Evaluating")
    with organization_scope(organization_id):
        run_progress.cancel_run(claim=work.claim)  # there is no result to keep
    took = time.perf_counter() - began
    if sum(answer.score for answer in answers) != evaluations:
        raise RuntimeError("Not every evaluation got its answer.")
    return took


def found_organization() -> UUID:
    """An organization of its own."""
    return create_organization(name="Evaluations", slug=f"evaluations-{uuid4().hex[:8]}").pk


def _queue_run(organization_id: UUID, evaluations: int, at_once: int) -> UUID:
    """A run with nothing to learn from: its evaluations come from the benchmark."""
    with organization_scope(organization_id):
        agent = Agent.objects.create(external_id=uuid4().hex, name="Scripted")
        config = AgentConfig.objects.create(agent=agent, number=1, content=CONTENT, content_hash=uuid4().hex)
        dataset = TrainingDataset.objects.create(name=uuid4().hex, agent=agent)
        version = DatasetVersion.objects.create(
            dataset=dataset, number=1, manifest_hash=uuid4().hex, total=0, train_count=0, validation_count=0,
            test_count=0,
        )  # fmt: skip
        run = TrainingRun.objects.create(
            name="Evaluations", agent=agent, base_config=config, dataset_version=version, status=RunStatus.PENDING,
            training_type=TrainingType.PROMPT_OPTIMIZATION,
            config={"max_calls": 2 * evaluations, "metric": "exact", "goals": ["accuracy"], "concurrency": at_once},
        )  # fmt: skip
        return run.pk


def _wait_until_ready(log: Path) -> None:
    deadline = time.monotonic() + READY
    while " ready." not in log.read_text():
        if time.monotonic() > deadline:
            raise RuntimeError(f"The worker did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)
