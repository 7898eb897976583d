"""A small job is done while gates and runs hold all the processes that they may (docs/decisions/0021)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from learning.models import GateReport, GateStatus, Job, JobStatus
from learning.services import gate
from learning.services.example_rules import create_rule
from learning.services.rule_jobs import apply_to_past
from organizations.models import Organization
from organizations.scope import organization_scope
from project.services import programs as product
from project.services.options import Options
from tests import factories
from tests.kill.celery_programs import PATIENCE, Programs
from tests.scripted_llm import ScriptedLLM
from tests.waiting import wait_until


@pytest.fixture
def silence() -> Iterator[Event]:
    """Until it is set the model gives no answer."""
    event = Event()
    yield event
    event.set()


@pytest.fixture
def programs(transactional_db: None, tmp_path: Path, silence: Event) -> Iterator[Programs]:
    def answer(messages: list[dict[str, str]]) -> str:
        silence.wait(PATIENCE)
        return "positive"

    with ScriptedLLM(answer) as llm:
        started = Programs(tmp_path, llm)
        try:
            yield started
        finally:
            started.kill_all()


def queue_gates(organization: Organization, count: int) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_published_version(agent, examples=20)
        for _ in range(count):
            gate.start_gate(config=factories.make_config(agent, status="candidate"))


def gates(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        return sorted(GateReport.objects.values_list("status", flat=True))


def queue_small_job(organization: Organization) -> Job:
    liked = {"example_type": "positive", "conditions": {"opinion": "positive"}}
    with organization_scope(organization.pk):
        return apply_to_past(rule=create_rule(name="Liked", source="user_feedback", **liked), days=30)


def state(organization: Organization, job: Job) -> str:
    with organization_scope(organization.pk):
        return Job.objects.get(pk=job.pk).status


@pytest.mark.slow
def test_a_small_job_does_not_wait_behind_gates(
    programs: Programs, organization: Organization, silence: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_PROCESSES", "2")
    programs.start_the_workers_of(product.workers(Options.from_environment()))
    queue_gates(organization, 3)  # one process may take them
    programs.sweep("gates")
    wait_until(lambda: GateStatus.RUNNING in gates(organization), PATIENCE)

    job = queue_small_job(organization)
    programs.sweep("jobs")
    wait_until(lambda: state(organization, job) == JobStatus.COMPLETED, 40)  # the model is asked for 60
    assert gates(organization) == [GateStatus.PENDING, GateStatus.PENDING, GateStatus.RUNNING]

    silence.set()
    wait_until(lambda: not {GateStatus.PENDING, GateStatus.RUNNING} & set(gates(organization)), PATIENCE)
