"""What is said before an erasure, and the page that follows it until its receipt."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from learning import job_tasks
from learning.models import CompiledCorrection, ErasureReceipt, Job, LlmResponse
from learning.services import artifact_store, erasure, jobs
from learning.services.example_imports import Wishes, start_import
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/learning/erasures/"
USER = "ada"


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    """An example of the person, and what an erasure does to everybody: two uploads, one of them waits as an import."""
    settings.ARTIFACT_DIR = tmp_path
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        agent = factories.make_agent(external_id="bot")
        example = factories.make_example(agent, user=USER)
        CompiledCorrection.objects.create(example=example, kind="few_shot", content={"output": "Soon."})
        LlmResponse.objects.create(key="1" * 64, model="m", text="Sure.")
        artifact_store.keep_upload(chunks=[b"left behind"])
        waiting = artifact_store.keep_upload(chunks=[b'{"input_text": "x", "expected_output": "y"}'])
        start_import(name="rows.jsonl", file=waiting, wishes=Wishes(agent_id=str(agent.pk)))
    return organization


NOTES = (
    "Imports that wait or run are stopped, whoever started them (1 now).",
    "All files that your organization uploaded for imports are deleted (2 now)",
    "All answers of language models that were kept since the person&#x27;s first row are forgotten (1 now).",
)
COMPILED = "the forms in which an approved example teaches"


def text(response: Any) -> str:
    return response.content.decode()


def test_the_page_says_before_what_an_erasure_does_to_everybody(organization: Organization, sign_in: Any) -> None:
    page = text(sign_in("admin", inside=organization).post(PAGE, {"user": USER}))
    assert [note for note in NOTES if note not in page] == []
    assert COMPILED in page


def test_the_preview_of_the_api_says_the_same(organization: Organization) -> None:
    api = api_with(factories.make_key(organization))
    told = api.post("/api/learning/erasures", {"user": USER, "dry_run": True}, format="json").json()
    assert [note.replace("&#x27;", "'") in " ".join(told["notes"]) for note in NOTES] == [True] * 3
    assert COMPILED in told["explained"]["compiled corrections"]
    assert set(told["explained"]) <= {name for name, number in told["counts"].items() if number}


def test_the_command_says_the_same(organization: Organization) -> None:
    out = StringIO()
    call_command("erase_subject", organization=organization.slug, user=USER, dry_run=True, stdout=out)
    assert NOTES[0] in out.getvalue() and COMPILED in out.getvalue()


def test_what_was_said_before_is_what_the_receipt_counts(organization: Organization) -> None:
    with organization_scope(organization.pk):
        job = erasure.request_erasure(user=USER)
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        counts = ErasureReceipt.objects.get().counts
    told = {name: counts[name] for name in ("stopped imports", "uploaded files", "remembered answers")}
    assert told == {"stopped imports": 1, "uploaded files": 2, "remembered answers": 1}


def test_the_page_follows_an_erasure_and_ends_at_its_receipt(organization: Organization, sign_in: Any) -> None:
    client = sign_in("admin", inside=organization)
    with organization_scope(organization.pk):
        job = erasure.request_erasure(user=USER)
    address, polled = f"{PAGE}jobs/{job.pk}/", {"HX-Request": "true"}
    page = text(client.get(address))
    assert 'hx-trigger="every 2s"' in page and f'hx-get="{address}"' in page and "Waiting for a worker" in page
    assert address in text(client.get(PAGE)), "who comes back finds it again"
    part = client.get(address, headers=polled)
    assert "<html" not in text(part) and "HX-Redirect" not in part
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        receipt = f"{PAGE}{ErasureReceipt.objects.get().pk}/"
    assert client.get(address, headers=polled)["HX-Redirect"] == receipt
    assert client.get(address)["Location"] == receipt


def test_asking_leads_to_the_page_that_follows(organization: Organization, sign_in: Any) -> None:
    asked = sign_in("admin", inside=organization).post(f"{PAGE}start", {"user": USER})
    with organization_scope(organization.pk):
        job = Job.objects.get(kind="erasure")
    assert asked["Location"] == f"{PAGE}jobs/{job.pk}/"


def test_an_erasure_that_was_cancelled_stops_asking_and_says_how_to_go_on(
    organization: Organization, sign_in: Any
) -> None:
    with organization_scope(organization.pk):
        job = erasure.request_erasure(user=USER)
        jobs.request_job_cancel(job=job)
    page = text(sign_in("admin", inside=organization).get(f"{PAGE}jobs/{job.pk}/"))
    assert "hx-trigger" not in page and "ask for the same erasure again" in page


def test_managers_and_other_jobs_have_no_such_page(organization: Organization, sign_in: Any) -> None:
    with organization_scope(organization.pk):
        own, other = erasure.request_erasure(user=USER), Job.objects.get(kind="import")
    assert sign_in("manager", inside=organization).get(f"{PAGE}jobs/{own.pk}/").status_code == 403
    assert sign_in("admin", inside=organization).get(f"{PAGE}jobs/{other.pk}/").status_code == 404
