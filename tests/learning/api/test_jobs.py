"""Jobs over HTTP: watched by managers and keys, cancelled and taken up again."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Job, JobKind, JobStatus
from learning.services import jobs
from organizations.models import Organization
from tests import factories
from tests.conftest import api_with

JOBS = "/api/learning/jobs"


@pytest.fixture
def job(scope: Organization) -> Job:
    return jobs.start_job(kind=JobKind.IMPORT, title="November", request={}, total=40)


def test_a_job_is_shown_with_how_far_it_is(api: Any, job: Job) -> None:
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    jobs.record_step(work=work, step=jobs.Step(10, result={"stored": 9, "refused": 1}))
    shown = api.get(f"{JOBS}/{job.pk}").json()
    assert (shown["status"], shown["done"], shown["total"]) == ("running", 10, 40)
    assert shown["result"] == {"stored": 9, "refused": 1}
    (listed,) = api.get(JOBS, {"kind": "import"}).json()["results"]
    assert (listed["id"], listed["done"]) == (str(job.pk), 10)
    assert "result" not in listed, "a list of long results is too much"
    assert api.get(JOBS, {"status": "failed"}).json()["results"] == []


def test_a_waiting_job_is_cancelled_and_taken_up_again(api: Any, job: Job) -> None:
    assert api.post(f"{JOBS}/{job.pk}/cancel").json()["status"] == "cancelled"
    assert api.post(f"{JOBS}/{job.pk}/cancel").status_code == 409
    assert api.post(f"{JOBS}/{job.pk}/resume").json()["status"] == "pending"
    assert api.post(f"{JOBS}/{job.pk}/resume").status_code == 409
    assert Job.objects.get().status == JobStatus.PENDING


def test_a_key_that_may_only_read_cannot_cancel(organization: Organization, job: Job) -> None:
    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.get(f"{JOBS}/{job.pk}").status_code == 200
    assert reader.post(f"{JOBS}/{job.pk}/cancel").status_code == 403


def test_another_organization_does_not_find_it(other_api: Any, job: Job) -> None:
    assert other_api.get(f"{JOBS}/{job.pk}").status_code == 404
    assert other_api.post(f"{JOBS}/{job.pk}/cancel").status_code == 404
