"""An action that was stopped is either put back or taken up again, never both."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, Job, JobStatus, LearningExample
from learning.services import bulk_actions, jobs, undoing
from learning.services.bulk_actions import Selection, start_bulk_action
from organizations.errors import Conflict
from organizations.models import Organization
from tests import factories


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def work(job: Job, *, cancel_after: int | None = None) -> Job:
    """Work through a job, or cancel it after some of its steps."""
    worker = {"bulk_action": bulk_actions.work, "undo": undoing.work}[job.kind]
    claimed = jobs.claim_job(job_id=job.pk)
    assert claimed is not None
    for number, step in enumerate(worker(claimed), 1):
        jobs.record_step(work=claimed, step=step)
        if number == cancel_after:
            jobs.end_cancelled_job(work=claimed)
            break
    else:
        jobs.finish_job(work=claimed)
    job.refresh_from_db()
    return job


@pytest.fixture
def cancelled(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The tagging of four examples, cancelled when two of them were tagged."""
    for one in (bulk_actions, undoing):
        monkeypatch.setattr(one, "BATCH", 1)
    for _ in range(4):
        factories.make_example(agent)
    job = start_bulk_action(selection=Selection({}), action={"name": "tag", "tags": ["urgent"]})
    work(job, cancel_after=3)  # the first step is the counting
    assert (job.status, tagged()) == (JobStatus.CANCELLED, 2)
    return job


def tagged() -> int:
    return LearningExample.objects.filter(tags=["urgent"]).count()


def test_what_was_undone_is_not_resumed(cancelled: Job) -> None:
    work(undoing.undo_job(job=cancelled))
    assert tagged() == 0
    with pytest.raises(Conflict, match="It was undone"):
        undoing.resume_job(job=cancelled)
    assert Job.objects.get(pk=cancelled.pk).status == JobStatus.CANCELLED


def test_what_is_partly_undone_is_not_resumed_but_its_undoing_is(cancelled: Job) -> None:
    undo = work(undoing.undo_job(job=cancelled), cancel_after=1)
    assert tagged() == 1
    with pytest.raises(Conflict, match="It was undone"):
        undoing.resume_job(job=cancelled)
    undoing.resume_job(job=undo)
    work(undo)
    assert tagged() == 0


def test_what_was_not_undone_is_resumed_and_undone_as_a_whole_afterwards(cancelled: Job) -> None:
    undoing.resume_job(job=cancelled)
    work(cancelled)
    assert tagged() == 4
    work(undoing.undo_job(job=cancelled))
    assert tagged() == 0


def test_an_undoing_is_not_resumed_while_the_action_works_again(cancelled: Job) -> None:
    undo = undoing.undo_job(job=cancelled)
    jobs.request_job_cancel(job=undo)
    undoing.resume_job(job=cancelled)
    with pytest.raises(Conflict, match="still works"):
        undoing.resume_job(job=undo)


def test_the_api_refuses_to_resume_what_was_undone(cancelled: Job, api: Any) -> None:
    work(undoing.undo_job(job=cancelled))
    answer = api.post(f"/api/learning/jobs/{cancelled.pk}/resume", {}, format="json")
    assert (answer.status_code, answer.json()["detail"][:14]) == (409, "It was undone.")
