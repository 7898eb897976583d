"""What is at work while a person is forgotten, and erasures that do not come to their end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from learning import job_tasks
from learning.models import Agent, ErasureReceipt, Execution, Job, LearningExample, LlmResponse, TelemetrySpan
from learning.services import artifact_store, erasure, jobs
from learning.services.example_imports import Wishes, start_import
from learning.services.jobs import LostJob
from learning.services.telemetry import write_overdue_traces
from learning.services.telemetry_executions import SETTLED_AFTER
from organizations.errors import Conflict, Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from project.management.commands import import_examples
from tests import factories
from tests.conftest import api_with
from tests.learning.erasure.dump import places_of
from tests.learning.erasure.test_forgetting import erase

pytestmark = pytest.mark.django_db(transaction=True)
MARK = "qzcanary77x"
USER = f"user-{MARK}"


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    return factories.make_organization()


def send_open_span(organization: Organization) -> None:
    """A span whose parent has not come: it is no execution yet."""
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "bot", "user.id": USER,
            "input.value": f"{MARK} by telemetry", "output.value": f"Answer for {MARK}"}  # fmt: skip
    now = time.time_ns()
    span = {
        "traceId": "a" * 32, "spanId": "b" * 16, "parentSpanId": "c" * 16, "name": "run", "kind": 1,
        "startTimeUnixNano": str(now - 10**9), "endTimeUnixNano": str(now),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in told.items()],
    }  # fmt: skip
    body = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]})
    api = api_with(factories.make_key(organization))
    assert api.generic("POST", "/v1/traces", body, content_type="application/json").status_code == 200


def test_spans_that_are_no_execution_yet_go_and_become_none(organization: Organization) -> None:
    send_open_span(organization)
    with organization_scope(organization.pk):
        assert (Execution.objects.count(), TelemetrySpan.objects.count()) == (0, 1)
        LlmResponse.objects.create(key="1" * 64, model="m", text=f"Dear {MARK}, sure.")
        artifact_store.keep_upload(chunks=[f'{{"input_text": "{MARK}"}}'.encode()])
    receipt = erase(organization, USER)
    assert receipt.counts == {"spans": 1, "remembered answers": 1, "uploaded files": 1}
    with organization_scope(organization.pk):
        TelemetrySpan.objects.update(created_at=timezone.now() - 2 * SETTLED_AFTER)
        write_overdue_traces()
        assert not Execution.objects.exists()
    assert places_of(MARK) == []


def import_of(organization: Organization, path: Path) -> Job:
    row = {"input_text": f"{MARK} asks", "expected_output": "Yes.", "input_context": {"user_id": USER}}
    path.write_text(json.dumps(row) + "\n")
    with organization_scope(organization.pk):
        agent = Agent.objects.first() or factories.make_agent()
        return start_import(name="rows.jsonl", path=path, wishes=Wishes(agent_id=str(agent.pk)))


@pytest.mark.parametrize("claimed", [True, False])
def test_an_import_that_waits_or_works_stores_nothing_of_them_any_more(
    organization: Organization, tmp_path_factory: pytest.TempPathFactory, claimed: bool
) -> None:
    job = import_of(organization, tmp_path_factory.mktemp("files") / "rows.jsonl")
    work = None
    if claimed:
        with organization_scope(organization.pk):
            work = jobs.claim_job(job_id=job.pk)
    receipt = erase(organization, USER)
    assert receipt.counts["stopped imports"] == 1
    if work is not None:
        with pytest.raises(LostJob):
            job_tasks.work_through(organization.pk, work)
    else:
        job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert job.status == "failed" and "Take it out of the file" in job.failure_reason
        assert not LearningExample.objects.exists()
    assert places_of(MARK) == []


def test_the_command_that_imports_says_why_it_was_stopped(
    organization: Organization, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path_factory.mktemp("files") / "rows.jsonl"
    path.write_text(json.dumps({"input_text": f"{MARK} asks", "expected_output": "Yes."}) + "\n")
    with organization_scope(organization.pk):
        factories.make_agent(external_id="bot")

    def erase_first(organization_id: Any, work: jobs.Work) -> None:
        erase(organization, USER)
        job_tasks.work_through(organization_id, work)

    monkeypatch.setattr(import_examples, "work_through", erase_first)
    with pytest.raises(CommandError, match="Take it out of the file"):
        call_command("import_examples", str(path), organization=organization.slug, agent="bot")
    assert places_of(MARK) == []


def test_what_an_import_stored_before_it_was_stopped_is_found(
    organization: Organization, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job = import_of(organization, tmp_path_factory.mktemp("files") / "rows.jsonl")
    with organization_scope(organization.pk):
        work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    steps = job_tasks.worker_of(work.kind)(work)
    job_tasks._step(organization.pk, work, steps)
    assert places_of(MARK)
    receipt = erase(organization, USER)
    assert (receipt.counts["stopped imports"], receipt.counts["examples"]) == (1, 1)
    assert places_of(MARK) == []


def ask(organization: Organization) -> Job:
    with organization_scope(organization.pk):
        return erasure.request_erasure(user=USER)


def test_who_asks_at_the_same_moment_is_led_to_the_one_job(organization: Organization) -> None:
    found: list[Job] = []

    def ask() -> None:
        with organization_scope(organization.pk):
            found.append(erasure.request_erasure(user=USER))
        connection.close()

    other = Thread(target=ask)
    with organization_scope(organization.pk):
        first = erasure.request_erasure(user=USER)
        other.start()
        other.join(1)  # it waits for the first, or it is through already
    other.join(20)
    assert found == [first]
    with organization_scope(organization.pk):
        assert Job.objects.count() == 1


def test_a_cancelled_erasure_names_nobody_and_can_only_be_asked_for_again(organization: Organization) -> None:
    job = ask(organization)
    assert places_of(USER) != []
    with organization_scope(organization.pk):
        jobs.request_job_cancel(job=job)
    assert places_of(USER) == []
    with organization_scope(organization.pk), pytest.raises(Conflict, match="Ask for it again"):
        jobs.resume_job(job=Job.objects.get())
    assert ask(organization).pk == job.pk
    erase(organization, USER)
    assert places_of(USER) == []


def test_an_erasure_that_is_cancelled_while_it_works_names_nobody(organization: Organization) -> None:
    send_open_span(organization)
    job = ask(organization)
    with organization_scope(organization.pk):
        work = jobs.claim_job(job_id=job.pk)
        jobs.request_job_cancel(job=Job.objects.get())
    assert work is not None
    job_tasks.work_through(organization.pk, work)
    with organization_scope(organization.pk):
        assert Job.objects.get().status == "cancelled"
        assert Job.objects.get().request == {"subject": erasure.subject_of(USER)}


def test_an_erasure_whose_worker_went_silent_too_often_names_nobody(organization: Organization) -> None:
    job = ask(organization)
    with organization_scope(organization.pk):
        jobs.claim_job(job_id=job.pk)
        Job.objects.update(attempt=jobs.MOST_ATTEMPTS, heartbeat_at=timezone.now() - 2 * jobs.SILENCE)
        assert jobs.due_jobs() == []
        assert "ask for the erasure again" in Job.objects.get().failure_reason
    assert places_of(USER) == []


def test_an_erasure_that_failed_goes_on_when_it_is_asked_for_again_and_tells_all_it_did(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_open_span(organization)
    monkeypatch.setattr(erasure, "_finish", refuse)
    job = ask(organization)
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        assert (Job.objects.get().status, Job.objects.get().failure_reason) == ("failed", "Not today.")
    assert places_of(USER) == []
    monkeypatch.undo()
    assert ask(organization).pk == job.pk
    assert erase(organization, USER).counts == {"spans": 1}
    with organization_scope(organization.pk):
        assert ErasureReceipt.objects.count() == 1


def refuse(*_: Any) -> None:
    raise Refused("Not today.")


def test_an_application_that_went_on_sending_does_not_fail_the_next_attempt(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_open_span(organization)
    job = ask(organization)
    with organization_scope(organization.pk):
        Job.objects.update(cursor={"looks": erasure.MOST_LOOKS})
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        assert "goes on sending" in Job.objects.get().failure_reason
    erase(organization, USER)


def test_an_ended_erasure_has_no_button_to_go_on(organization: Organization, sign_in: Any) -> None:
    job = ask(organization)
    client = sign_in("admin", inside=organization)
    address = f"/admin/learning/jobs/{job.pk}/"
    client.post(f"{address}cancel")
    assert f"{address}resume" not in client.get(address).content.decode()
