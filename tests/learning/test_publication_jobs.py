"""Publishing much: a job that shows how far it is, and whose long last step is not taken for silence."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning import job_tasks
from learning.models import Agent, DatasetVersion, Job, JobKind, JobStatus, TrainingDataset
from learning.services import datasets, heartbeats, jobs, publication_jobs
from learning.services.publication import publish_version
from learning.services.publication_jobs import publish_or_queue
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    monkeypatch.setattr(publication_jobs, "LARGE", 3)
    return factories.make_organization()


def made(organization: Organization, examples: int) -> TrainingDataset:
    with organization_scope(organization.pk):
        agent = Agent.objects.create(external_id="critic", name="Critic")
        for _ in range(examples):
            factories.make_example(agent, review_status="approved")
        return datasets.create_dataset(name="Reviews", agent=agent)


def run(organization: Organization, job: Job) -> Job:
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        return Job.objects.get(pk=job.pk)


def test_a_small_dataset_is_published_at_once(organization: Organization) -> None:
    dataset = made(organization, 3)
    with organization_scope(organization.pk):
        version = publish_or_queue(dataset=dataset)
        assert isinstance(version, DatasetVersion) and version.total == 3
        assert not Job.objects.exists()


def test_a_large_one_becomes_a_job_that_is_asked_for_once(organization: Organization) -> None:
    dataset = made(organization, 4)
    with organization_scope(organization.pk):
        job = publish_or_queue(dataset=dataset)
        assert isinstance(job, Job) and (job.kind, job.total) == (JobKind.PUBLICATION, 4)
        assert publish_or_queue(dataset=dataset) == job
    job = run(organization, job)
    assert (job.status, job.done, job.result) == (
        JobStatus.COMPLETED, 4, {"dataset": "Reviews", "version": 1, "examples": 4, "is_new": True},
    )  # fmt: skip
    with organization_scope(organization.pk):
        again = publish_or_queue(dataset=dataset)
        assert isinstance(again, Job) and again != job
    assert run(organization, again).result["is_new"] is False


def test_nothing_to_publish_is_said_in_words(organization: Organization) -> None:
    dataset = made(organization, 4)
    with organization_scope(organization.pk):
        job = publish_or_queue(dataset=dataset)
        dataset.example_types = ["failure"]
        dataset.save()
    job = run(organization, job)  # type: ignore[arg-type]
    assert (job.status, job.failure_reason[:28]) == (JobStatus.FAILED, "No approved example belongs ")


def test_a_step_that_takes_long_is_not_taken_for_silence(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, seen = made(organization, 4), []

    def slowly(**asked: Any) -> DatasetVersion:
        version = publish_version(**asked)
        time.sleep(0.3)
        seen.append(Job.objects.get(pk=job.pk).heartbeat_at)
        return version

    monkeypatch.setattr(heartbeats, "BEAT", 0.05)
    monkeypatch.setattr(publication_jobs, "publish_version", slowly)
    with organization_scope(organization.pk):
        job = publish_or_queue(dataset=dataset)
        assert isinstance(job, Job)
    before = timezone.now()
    assert run(organization, job).status == JobStatus.COMPLETED
    assert seen[0] > before + timedelta(seconds=0.15)


def test_whoever_lost_the_job_publishes_nothing(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made(organization, 4)

    def lost(**asked: Any) -> DatasetVersion:
        version = publish_version(**asked)
        Job.objects.update(attempt=9)
        return version

    monkeypatch.setattr(publication_jobs, "publish_version", lost)
    with organization_scope(organization.pk):
        job = publish_or_queue(dataset=dataset)
    run(organization, job)  # type: ignore[arg-type]
    with organization_scope(organization.pk):
        assert not DatasetVersion.objects.exists()
        assert jobs.due_jobs() == []
