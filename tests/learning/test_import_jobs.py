"""Imports as jobs: alive in a long step, and in the audit however they end."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from learning import job_tasks
from learning.formats import batches
from learning.models import Agent, Job, JobStatus, LearningExample
from learning.services import example_imports, heartbeats, import_reading, jobs
from learning.services.example_imports import Wishes, start_import
from learning.services.import_writing import store_rows
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
KILLED_AFTER_A_BATCH = """
import os, signal
from learning.formats import batches, reader

def write_and_die(told, write=reader._write):
    write(told)
    os.kill(os.getpid(), signal.SIGKILL)

batches.ROWS, reader._write = 2, write_and_die
reader.main()
"""
WISHED = {"approve": True, "update": False, "source_type": "import"}


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        Agent.objects.create(external_id="critic", name="Critic")
    return organization


def start(organization: Organization, tmp_path: Path, **wishes: Any) -> Job:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(b'{"input_text": "%d?", "expected_output": "!"}\n' % number for number in range(4)))
    with organization_scope(organization.pk):
        asked = Wishes(agent_id=str(Agent.objects.get().pk), approve=True, **wishes)
        return start_import(name="rows.jsonl", path=path, wishes=asked)


def run(organization: Organization, job: Job) -> Job:
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        return Job.objects.get(pk=job.pk)


def audited(organization: Organization, action: str) -> list[dict[str, Any]]:
    with organization_scope(organization.pk):
        return list(AuditEvent.objects.filter(action=action).values_list("after", flat=True))


def test_a_long_step_of_an_import_is_not_taken_for_silence(
    organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def slowly(**asked: Any) -> Any:
        time.sleep(0.3)
        seen.append(Job.objects.get().heartbeat_at)
        return store_rows(**asked)

    monkeypatch.setattr(heartbeats, "BEAT", 0.05)
    monkeypatch.setattr(example_imports, "store_rows", slowly)
    job, before = start(organization, tmp_path), timezone.now()
    assert run(organization, job).status == JobStatus.COMPLETED
    assert seen[0] > before + timedelta(seconds=0.15)


def test_what_was_wished_is_in_the_audit_before_the_first_row(organization: Organization, tmp_path: Path) -> None:
    start(organization, tmp_path)
    assert audited(organization, "examples.import_requested") == [WISHED]
    start(organization, tmp_path, dry_run=True)
    assert len(audited(organization, "examples.import_requested")) == 1


@pytest.mark.parametrize("end", ["cancelled", "failed", "silent"])
def test_an_import_that_does_not_come_to_its_end_tells_the_audit_what_it_stored(
    organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    calls = []

    def interrupted(**asked: Any) -> Any:
        calls.append(1)
        if len(calls) == 2 and end == "cancelled":
            Job.objects.update(cancel_requested=True)
        if len(calls) == 3:
            if end == "silent":
                raise jobs.LostJob
            raise ZeroDivisionError
        return store_rows(**asked)

    monkeypatch.setattr(batches, "ROWS", 1)
    monkeypatch.setattr(example_imports, "store_rows", interrupted)
    job = start(organization, tmp_path)
    try:
        run(organization, job)
    except ZeroDivisionError:
        assert end == "failed"
    if end == "silent":
        with organization_scope(organization.pk):
            Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1), attempt=jobs.MOST_ATTEMPTS)
            jobs.due_jobs()
    (told,) = audited(organization, "job.left_off")
    assert told == {"rows": 2, "new": 2, "updated": 0, "unchanged": 0, "refused": 0, "without_user_id": 2}
    with organization_scope(organization.pk):
        assert LearningExample.objects.filter(review_status="approved").count() == 2
        assert Job.objects.get().status == ("cancelled" if end == "cancelled" else "failed")


def test_a_large_file_is_imported_as_a_small_one_is(
    organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reading, "SMALL", 0)
    monkeypatch.setattr(batches, "ROWS", 2)
    job = run(organization, start(organization, tmp_path))
    assert (job.status, job.result["new"], job.result["rows"]) == (JobStatus.COMPLETED, 4, 4)
    assert run(organization, start(organization, tmp_path)).result["unchanged"] == 4


def test_an_import_whose_reader_is_killed_says_so_and_goes_on_where_it_stopped(
    organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reading, "SMALL", 0)
    with monkeypatch.context() as short_of_memory:
        short_of_memory.setattr(import_reading, "COMMAND", [sys.executable, "-c", KILLED_AFTER_A_BATCH])
        job = run(organization, start(organization, tmp_path))
    assert job.status == JobStatus.FAILED
    assert "the process that read it was killed, mostly for want of memory" in job.failure_reason
    assert (job.cursor["number"], job.result["new"]) == (2, 2)
    with organization_scope(organization.pk):
        jobs.resume_job(job=job)
    job = run(organization, job)
    assert (job.status, job.result["new"], job.result["rows"]) == (JobStatus.COMPLETED, 4, 4)
    with organization_scope(organization.pk):
        assert LearningExample.objects.count() == 4
