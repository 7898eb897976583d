"""Pages of jobs: live while they work, with their outcome afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Job, JobKind, JobStatus
from learning.services import jobs
from learning.services.job_list import MOST_SHOWN, read_outcome
from organizations.models import Organization

LIST = "/admin/learning/jobs/"


@pytest.fixture
def job(scope: Organization) -> Job:
    return jobs.start_job(kind=JobKind.IMPORT, title="November", request={}, total=4000)


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_an_open_job_asks_for_news_and_a_finished_one_does_not(sign_in: Any, job: Job) -> None:
    client = sign_in("manager")
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    jobs.record_step(work=work, step=jobs.Step(1000, result={"stored": 990}))
    page = text(client.get(f"{LIST}{job.pk}/"))
    assert 'hx-trigger="every 2s"' in page and "1,000 of 4,000" in page and 'value="0.250"' in page
    part = text(client.get(f"{LIST}{job.pk}/", headers={"HX-Request": "true"}))
    assert "<html" not in part
    jobs.finish_job(work=work)
    page = text(client.get(f"{LIST}{job.pk}/"))
    assert "hx-trigger" not in page and '<dt>Stored</dt><dd class="wrap">990</dd>' in page
    assert "November" in text(client.get(LIST))


def test_a_manager_stops_a_job_and_lets_it_go_on(sign_in: Any, job: Job) -> None:
    client = sign_in("manager")
    assert "The job is cancelled." in text(client.post(f"{LIST}{job.pk}/cancel", follow=True))
    assert "nothing to cancel" in text(client.post(f"{LIST}{job.pk}/cancel", follow=True))
    assert "goes on where it stopped" in text(client.post(f"{LIST}{job.pk}/resume", follow=True))
    assert Job.objects.get().status == JobStatus.PENDING


def test_experts_do_not_see_jobs(sign_in: Any, job: Job) -> None:
    assert sign_in("expert").get(LIST).status_code == 403


def test_jobs_about_a_person_who_wants_to_be_forgotten_are_for_administrators(sign_in: Any, scope: Any) -> None:
    job = jobs.start_job(kind=JobKind.ERASURE, title="Forget somebody", request={})
    manager, admin = sign_in("manager"), sign_in("admin")
    assert "Forget somebody" not in text(manager.get(LIST))
    assert manager.get(f"{LIST}{job.pk}/").status_code == 404
    assert manager.post(f"{LIST}{job.pk}/cancel").status_code == 404
    assert "Forget somebody" in text(admin.get(LIST))


def test_a_failed_job_waits_on_the_dashboard_of_managers(sign_in: Any, job: Job) -> None:
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    jobs.fail_job(work=work, reason="The file is gone.")
    assert "November: failed" in text(sign_in("manager").get("/admin/learning/"))
    assert "November: failed" not in text(sign_in("expert").get("/admin/learning/"))
    assert "The file is gone." in text(sign_in("manager").get(f"{LIST}{job.pk}/"))


def test_any_result_becomes_figures_and_bounded_tables() -> None:
    lines = [{"line": number, "reason": "not JSON"} for number in range(MOST_SHOWN + 3)]
    outcome = read_outcome({"stored": 3, "problems": lines, "by_kind": {"sft": 2}, "names": ["a"], "empty": []})
    assert outcome.figures == [("Stored", 3)]
    problems, kinds, names = outcome.tables
    assert (problems.columns, problems.rows[0], problems.more) == (["Line", "Reason"], [0, "not JSON"], 3)
    assert (kinds.rows, names.rows) == ([["sft", 2]], [["a"]])
