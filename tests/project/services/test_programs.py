"""How the programs of the product are started."""

from __future__ import annotations

import pytest

from learning.evaluation_tasks import help_run
from learning.gate_tasks import run_gate
from learning.job_tasks import run_job, run_long_job
from learning.training_tasks import run_training
from organizations.work_queues import LONG, SHORT
from project.celery import app
from project.services import programs
from project.services.errors import ServiceError
from project.services.options import Options
from project.services.programs import Program


def workers(processes: str, monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    monkeypatch.setenv("WORKER_PROCESSES", processes)
    return programs.workers(Options.from_environment())


def processes_of(worker: Program) -> str:
    return worker.argv[worker.argv.index("--concurrency") + 1]


@pytest.mark.parametrize(("processes", "long"), [("2", "1"), ("3", "2"), ("8", "7")])
def test_one_process_takes_no_long_work(processes: str, long: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, quick = workers(processes, monkeypatch)
    assert (processes_of(worker), "--queues" in worker.argv) == (long, False)
    assert quick.argv[quick.argv.index("--queues") + 1] == SHORT
    assert "solo" in quick.argv


def test_a_single_process_takes_both(monkeypatch: pytest.MonkeyPatch) -> None:
    [worker] = workers("1", monkeypatch)
    assert (processes_of(worker), "--queues" in worker.argv) == ("1", False)


@pytest.mark.parametrize("processes", ["0", "-1", "two", "²"])
def test_an_impossible_number_of_processes_is_named(processes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=f"WORKER_PROCESSES is '{processes}'; it must be a whole number"):
        workers(processes, monkeypatch)


def test_a_worker_that_is_told_no_queue_takes_from_both() -> None:
    assert list(app.amqp.queues.consume_from) == [SHORT, LONG]


def test_what_was_queued_under_the_only_name_of_earlier_releases_is_still_taken() -> None:
    assert SHORT == app.conf.task_default_queue == "celery"


def test_what_asks_a_language_model_again_and_again_is_long_work() -> None:
    assert {task.queue for task in (run_training, run_gate, help_run, run_long_job)} == {LONG}
    assert getattr(run_job, "queue", None) is None
