"""kill -9 in the middle of a training run: others go on, nothing that was answered is paid twice, the budget holds."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import F

from learning.models import AgentConfig, EvaluationChunk, GateReport, RunStatus, TrainingRun
from learning.services import gate, jobs, training
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.kill.celery_programs import PATIENCE, Programs
from tests.scripted_llm import ScriptedLLM

CALLS = 120
OVER = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class Endpoint(ScriptedLLM):
    """Remembers which requests it answered, and when. It goes on answering a client that was killed: that is paid."""

    def __init__(self) -> None:
        super().__init__(self._needs_examples, delay=0.1)
        self.given: list[tuple[float, str]] = []

    def _needs_examples(self, messages: list[dict[str, str]]) -> str:
        self.given.append((time.time(), json.dumps(messages)))
        label = "positive" if "good" in messages[-1]["content"] else "negative"
        return label if any(message["role"] == "assistant" for message in messages) else f"It is {label}."

    def until(self, when: float) -> list[str]:
        """What was answered by then."""
        return [request for at, request in list(self.given) if at <= when]


@pytest.fixture
def llm() -> Iterator[Endpoint]:
    with Endpoint() as server:
        yield server


@pytest.fixture
def programs(transactional_db: None, tmp_path: Path, llm: Endpoint) -> Iterator[Programs]:
    started = Programs(tmp_path, llm)
    try:
        yield started
    finally:
        started.kill_all()


def start_run(organization: Organization, programs: Programs) -> TrainingRun:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        run = training.start_training_run(agent=agent, config={"max_calls": CALLS})
    programs.sweep()
    return run


def wait_for(organization: Organization, run: TrainingRun, reached: Callable[[TrainingRun], bool]) -> TrainingRun:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with organization_scope(organization.pk):
            now = TrainingRun.objects.get(pk=run.pk)
        if reached(now):
            return now
        time.sleep(0.1)
    raise AssertionError(f"still {now.status}, attempt {now.attempt}, {now.llm_calls} calls: {now.failure_reason}")


def let_time_pass(organization: Organization, run: TrainingRun, seconds: float) -> None:
    """So long ago was the last sign of life of whoever is dead; who lives gives the next one within a second."""
    with organization_scope(organization.pk):
        earlier = F("heartbeat_at") - timedelta(seconds=seconds)
        EvaluationChunk.objects.filter(run_id=run.pk).update(heartbeat_at=earlier)
        TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=earlier)


def check_nothing_was_paid_twice(llm: Endpoint, run: TrainingRun, under_way: int) -> None:
    """`under_way`: calls of the killed worker; the endpoint answers them all the same, and nobody hears it."""
    assert run.finished_at
    asked = Counter(llm.until(run.finished_at.timestamp()))
    twice = [request for request, times in asked.items() if times > 1]
    assert len(twice) <= under_way, f"{len(twice)} requests were answered twice"
    assert sum(asked.values()) <= run.llm_calls <= CALLS


PROMISED = 90  # seconds until what a killed worker was doing goes on or has failed with its reason


@pytest.mark.parametrize(
    ("silence", "sweep"),
    [(training.SILENCE, "sweep-training"), (gate.SILENCE, "sweep-gates"), (jobs.SILENCE, "sweep-jobs")],
)
def test_the_silence_of_a_killed_worker_is_noticed_in_time(silence: timedelta, sweep: str) -> None:
    """The tests below turn the clock by the silence instead of waiting for it."""
    assert silence.total_seconds() + settings.CELERY_BEAT_SCHEDULE[sweep]["schedule"] <= PROMISED


@pytest.mark.slow
def test_a_run_goes_on_after_its_worker_was_killed(
    programs: Programs, llm: Endpoint, organization: Organization
) -> None:
    worker = programs.start_worker()
    run = start_run(organization, programs)
    wait_for(organization, run, lambda now: now.llm_calls >= 40)
    programs.kill(worker)
    known = len(llm.given)

    let_time_pass(organization, run, training.SILENCE.total_seconds())
    programs.start_beat()
    programs.start_worker()
    done = wait_for(organization, run, lambda now: now.status in OVER)
    assert (done.status, done.attempt, done.failure_reason) == (RunStatus.COMPLETED, 2, "")
    assert done.metrics["verdict"] == "improved"
    assert done.metrics["cost"]["cached_calls"] >= known - 1
    check_nothing_was_paid_twice(llm, done, under_way=1)
    with organization_scope(organization.pk):
        assert AgentConfig.objects.filter(training_run=run).count() == 1
        assert GateReport.objects.filter(training_run=run).count() == 1
        assert not EvaluationChunk.objects.exists()


@pytest.mark.slow
def test_a_run_goes_on_after_a_worker_that_helped_was_killed(
    programs: Programs, llm: Endpoint, organization: Organization
) -> None:
    llm.delay = 0.2
    programs.start_helpers(2)
    run = start_run(organization, programs)
    wait_for(organization, run, lambda now: llm.most_at_once >= 2 or now.status in OVER)
    assert llm.most_at_once >= 2, "nobody helped"
    [own] = programs.working_on("learning.run_training")
    [helper] = [one for one in programs.working_on("learning.help_run") if one is not own]
    programs.kill(helper)
    let_time_pass(organization, run, 9)
    done = wait_for(organization, run, lambda now: now.status in OVER)
    assert (done.status, done.attempt, done.failure_reason) == (RunStatus.COMPLETED, 1, "")
    check_nothing_was_paid_twice(llm, done, under_way=1)


@pytest.mark.slow
def test_a_cancelled_run_stops_within_one_call_of_each_worker(
    programs: Programs, llm: Endpoint, organization: Organization
) -> None:
    programs.start_worker()
    run = start_run(organization, programs)
    running = wait_for(organization, run, lambda now: now.llm_calls >= 20)
    with organization_scope(organization.pk):
        training.request_cancel(run=running)
    begun = len(llm.calls)
    done = wait_for(organization, run, lambda now: now.status in OVER)
    time.sleep(0.5)
    assert done.status == RunStatus.CANCELLED
    assert len(llm.calls) <= begun + 1
    assert done.llm_calls == len(llm.calls)
