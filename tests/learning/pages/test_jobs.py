"""Pages of jobs: live while they work, with their outcome afterwards."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from learning.models import Job, JobKind, JobStatus
from learning.pages.job_words import MOST_SHOWN, read_outcome
from learning.services import jobs
from learning.services.datasets import create_dataset
from organizations.models import Organization
from tests import factories

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
    lines = [{"line": number, "reason": "not JSON"} for number in range(1, MOST_SHOWN + 4)]
    result = {"stored": 3, "problems": lines, "by_kind": {"sft": 2}, "names": ["a", "b"], "empty": []}
    result |= {"is_new": True, "new": 7}  # the database keeps no order
    outcome = read_outcome(result)
    assert outcome.figures == [("New", 7), ("Stored", 3), ("Names", "a, b"), ("New content", "yes")]
    problems, kinds = outcome.tables
    assert problems.columns == ["Line", "What was wrong"]
    assert [cell.value for cell in problems.rows[0]] == [1, "not JSON"]
    assert (len(problems.rows), problems.more) == (MOST_SHOWN, 3)
    assert (kinds.columns, [cell.value for cell in kinds.rows[0]]) == (["What", "Count"], ["sft", 2])


REFUSED = [
    {"file": "", "line": 1234, "field": "input_text", "reason": "input_text is empty"},
    {"file": "", "line": 1235, "field": "", "reason": "it is no JSON object"},
]


def worked_off(job: Job, result: dict[str, Any]) -> None:
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    jobs.record_step(work=work, step=jobs.Step(2000, result=result))
    jobs.finish_job(work=work)


@pytest.mark.parametrize("problems", [REFUSED, [["", one["line"], one["reason"]] for one in REFUSED]])
def test_refused_lines_stand_in_a_table_that_anybody_can_read(sign_in: Any, job: Job, problems: Any) -> None:
    told = {"new": 0, "refused": 2, "format": "jsonl", "unit": "line", "unused": ["note"]}
    worked_off(job, told | {"problems": problems})
    page = text(sign_in("manager").get(f"{LIST}{job.pk}/"))
    assert ">1,234<" in page and ">input_text is empty<" in page
    assert '<th scope="col">Line</th>' in page and '<th scope="col">What was wrong</th>' in page
    assert ('<th scope="col">Field</th>' in page) == (problems is REFUSED)
    assert page.count(">Problems<") == 1, "the heading of the table, and no column of the same name"
    assert '<dt>Not used</dt><dd class="wrap">note</dd>' in page and "JSON, an object a line" in page
    assert "{&#x27;" not in page and "[&#x27;" not in page, "nothing as Python writes it"


def test_an_import_leads_back_to_its_dataset_and_to_the_examples_that_it_made(sign_in: Any, scope: Any) -> None:
    agent = factories.make_agent()
    dataset = create_dataset(name="Reviews", agent=agent)
    wishes = {"agent_id": str(agent.pk), "source_type": "import", "dry_run": False}
    request = {"dataset": str(dataset.pk), "wishes": wishes}
    job = jobs.start_job(kind=JobKind.IMPORT, title="Import: rows.jsonl", request=request)
    worked_off(job, {"new": 3})
    client = sign_in("manager")
    page = client.get(f"{LIST}{job.pk}/").content.decode()
    assert f'href="/admin/learning/datasets/{dataset.pk}/">The dataset Reviews<' in page
    (address,) = re.findall(r'href="([^"]*/examples/\?[^"]*)"', page)
    factories.make_example(agent, source_type="import", input_text="From a file")
    factories.make_example(agent, source_type="benchmark", input_text="Known before")
    listed = text(client.get(html.unescape(address)))
    assert "From a file" in listed and "Known before" not in listed


def test_a_publication_leads_to_its_version(sign_in: Any, scope: Any) -> None:
    version = factories.make_published_version(factories.make_agent(), examples=6)
    request = {"dataset": str(version.dataset_id)}
    job = jobs.start_job(kind=JobKind.PUBLICATION, title="Publish", request=request)
    worked_off(job, {"dataset": "Reviews", "version": version.number, "examples": 6, "is_new": True})
    page = text(sign_in("manager").get(f"{LIST}{job.pk}/"))
    assert f'href="/admin/learning/datasets/{version.dataset_id}/versions/1/">Version 1<' in page
    assert '<dd class="wrap">yes</dd>' in page and "True" not in page
