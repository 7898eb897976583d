"""From a dataset to an approved candidate with real clicks; progress comes by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from learning import gate_tasks, training_tasks
from learning.models import AgentConfig, GateReport, TrainingRun
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder to look at the pages


def needs_examples(messages: list[dict[str, str]]) -> str:
    label = "positive" if "good" in messages[-1]["content"] else "negative"
    return label if any(message["role"] == "assistant" for message in messages) else f"It is {label}."


@pytest.fixture
def aster(live_server: Any) -> Organization:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Critic")
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
    return organization


@pytest.fixture
def llm(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLLM]:
    """The model answers; the wake-ups of workers go nowhere, because the test itself is the worker."""
    for task in (training_tasks.run_training, gate_tasks.run_gate):
        monkeypatch.setattr(task, "delay", lambda **_: None)
    with ScriptedLLM(needs_examples, delay=0.05) as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


def in_background(task: Callable[..., Any], **arguments: str) -> threading.Thread:
    """The work of a worker, while the browser looks on."""

    def work() -> None:
        try:
            task(**arguments)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def test_a_run_is_started_watched_and_its_candidate_approved(
    signed_in: SignIn, live_server: Any, aster: Organization, llm: ScriptedLLM
) -> None:
    page = signed_in(factories.make_user(aster, Role.ADMIN))
    tenant = {"organization_id": str(aster.pk)}

    page.goto(f"{live_server.url}/admin/learning/datasets/")
    page.locator(".row-link").click()
    page.get_by_role("link", name="Start a training run").click()
    page.get_by_label("Most calls").fill("120")
    picture(page, "run-new")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_test_id("training-run-detail")).to_contain_text("Waiting for a worker")
    with organization_scope(aster.pk):
        run = TrainingRun.objects.get()

    worker = in_background(training_tasks.run_training, run_id=str(run.pk), **tenant)
    expect(page.get_by_test_id("training-run-detail")).to_contain_text("Round 1")
    picture(page, "run-running")
    expect(page.get_by_test_id("verdict")).to_contain_text("Improved", timeout=60_000)
    worker.join()
    expect(page.get_by_test_id("gain")).to_contain_text("Gain, percentage points")
    picture(page, "run-improved")

    page.get_by_test_id("to-gate").click()
    with organization_scope(aster.pk):
        report = GateReport.objects.get()
    worker = in_background(gate_tasks.run_gate, report_id=str(report.pk), **tenant)
    page.get_by_label("Note").fill("Looks right.", timeout=60_000)
    worker.join()
    page.get_by_test_id("approve-config").click()
    expect(page.locator(".messages")).to_contain_text("is approved")
    picture(page, "gate-approved")
    with organization_scope(aster.pk):
        assert AgentConfig.objects.get(training_run=run).status == "approved"


def test_a_working_run_is_cancelled_with_a_question_first(
    signed_in: SignIn, live_server: Any, aster: Organization, llm: ScriptedLLM
) -> None:
    page = signed_in(factories.make_user(aster, Role.ADMIN))
    page.goto(f"{live_server.url}/admin/learning/training/new/")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_test_id("cancel-run")).to_be_visible()
    with organization_scope(aster.pk):
        run = TrainingRun.objects.get()
    worker = in_background(training_tasks.run_training, organization_id=str(aster.pk), run_id=str(run.pk))
    expect(page.get_by_test_id("training-run-detail")).to_contain_text("Round 1")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_test_id("cancel-run").click()
    expect(page.get_by_test_id("training-run-detail")).to_contain_text("Cancelled", timeout=30_000)
    expect(page.get_by_test_id("cancelled")).to_contain_text("Stopped by a person after")
    worker.join()
    page.goto(f"{live_server.url}/admin/learning/training/")
    expect(page.get_by_test_id("training-run")).to_contain_text("Cancelled")
    picture(page, "runs")
