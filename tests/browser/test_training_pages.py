"""The pages of training runs in a browser: what changes while one looks, by keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from learning.engines.types import Cost
from learning.models import AgentConfig, RunStatus, TrainingRun
from learning.services import run_progress, training
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_every_page import faults
from tests.learning.run_results import CONFIRMED, with_worse_examples

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder to look at the pages
RUNS = "/admin/learning/training/"
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wake-ups of workers go nowhere."""
    from learning import training_tasks

    monkeypatch.setattr(training_tasks.run_training, "delay", lambda **_: None)


@pytest.fixture
def aster(live_server: Any) -> Organization:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        for name in ("Critic", "Support"):
            agent = factories.make_agent(name=name)
            factories.make_config(agent)
            factories.make_published_version(agent, examples=120)
    return organization


@pytest.fixture
def admin(signed_in: SignIn, aster: Organization) -> Page:
    return signed_in(factories.make_user(aster, Role.ADMIN))


def make_run(aster: Organization, **values: Any) -> TrainingRun:
    with organization_scope(aster.pk):
        from learning.models import Agent

        run = training.start_training_run(agent=Agent.objects.get(name="Critic"), name=values.pop("name", "First"))
        for name, value in values.items():
            setattr(run, name, value)
        run.save()
    return run


def finished(aster: Organization, **values: Any) -> TrainingRun:
    with organization_scope(aster.pk):
        from learning.models import DatasetVersion

        metrics = with_worse_examples(DatasetVersion.objects.get(dataset__agent__name="Critic"))
    now = timezone.now()
    metrics |= {"cost": {"calls": 340}}
    given = {"status": RunStatus.COMPLETED, "metrics": metrics, "llm_calls": 300, "input_tokens": 41_000}
    given |= {"output_tokens": 900, "estimated_calls": 40, "cost": Decimal("0.0123")}
    return make_run(aster, **given | {"started_at": now, "finished_at": now} | values)


def picture(page: Page, name: str) -> None:
    """In both sizes, by day and in the dark, when somebody wants to look."""
    if not SCREENSHOTS:
        return
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{size}-{scheme}.png", full_page=True)
    page.set_viewport_size(SIZES["desk"])  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


def test_the_estimate_follows_the_form(admin: Page, live_server: Any) -> None:
    admin.goto(f"{live_server.url}{RUNS}new/")
    estimate = admin.get_by_test_id("estimate")
    expect(estimate).to_contain_text("at most 340")
    admin.get_by_label("Most calls").fill("200")
    expect(estimate).to_contain_text("at most 200")
    admin.get_by_label("Most tokens").fill("100")
    expect(estimate).to_contain_text("100 tokens are probably used up before the calls are.")
    picture(admin, "run-new")
    admin.get_by_label("Most calls").fill("7")
    expect(estimate).to_contain_text("Most calls: Ensure this value is greater than or equal to 80.")


def test_only_the_options_of_the_chosen_metric_are_shown(admin: Page, live_server: Any) -> None:
    admin.goto(f"{live_server.url}{RUNS}new/")
    schema = admin.get_by_label("Schema")
    expect(schema).to_be_hidden()
    admin.get_by_label("Metric").select_option("json_schema")
    expect(schema).to_be_visible()
    expect(admin.get_by_test_id("estimate")).to_contain_text("The JSON schema")
    schema.fill("not json")
    admin.get_by_role("button", name="Start the run").click()
    expect(schema).to_have_value("not json")
    expect(admin.locator("#id_json_schema_schema_error")).to_be_visible()


def test_a_version_is_looked_for_by_name_and_what_was_typed_stays(admin: Page, live_server: Any) -> None:
    admin.goto(f"{live_server.url}{RUNS}new/")
    admin.get_by_label("Name optional").fill("Tuesday")
    versions = admin.get_by_label("Dataset version")
    expect(versions.locator("option")).to_have_count(2)
    admin.get_by_label("Find a dataset or an agent").press_sequentially("critic", delay=20)
    expect(versions.locator("option")).to_have_count(1)
    expect(admin.get_by_test_id("estimate")).to_contain_text("of Critic")
    expect(admin.get_by_label("Name optional")).to_have_value("Tuesday")


def test_a_working_run_tells_its_news_without_taking_the_page_away(
    admin: Page, live_server: Any, aster: Organization
) -> None:
    run = make_run(aster)
    with organization_scope(aster.pk):
        work = factories.claim_run(run)
        assert work
    admin.goto(f"{live_server.url}{RUNS}{run.pk}/")
    log = admin.get_by_role("log")
    expect(log).to_contain_text("Starting from config")
    log.focus()
    with organization_scope(aster.pk):
        TrainingRun.objects.filter(pk=run.pk).update(metrics={"trace": CONFIRMED["trace"]})
        cost = Cost(85, 0, 4_000, 200)
        run_progress.record_progress(claim=work.claim, step=85, total=323, message="Round 1 of 3: current", cost=cost)
        run_progress.append_log(claim=work.claim, message="Round 1 of 3")
    expect(admin.get_by_test_id("calls")).to_have_text("85 of at most 340")
    expect(admin.get_by_test_id("kept")).to_have_text("17 are kept back to repeat calls that fail")
    expect(log).to_contain_text("Round 1 of 3")
    expect(log.get_by_role("listitem")).to_have_count(2)
    expect(admin.get_by_role("figure")).to_contain_text("Best score")
    expect(log).to_be_focused()
    picture(admin, "run-live")
    with organization_scope(aster.pk):
        run_progress.fail_run(claim=work.claim, reason="The model went away.", cost=Cost(85))
    expect(admin.get_by_role("alert")).to_contain_text("The model went away.")
    expect(admin.get_by_test_id("run-again")).to_be_visible()


def test_a_run_is_repeated_by_its_button(admin: Page, live_server: Any, aster: Organization) -> None:
    run = finished(aster)
    admin.goto(f"{live_server.url}{RUNS}{run.pk}/")
    admin.get_by_test_id("run-again").click()
    expect(admin.get_by_test_id("rerun-of")).to_be_visible()
    expect(admin.get_by_test_id("training-run-detail")).to_contain_text("Waiting for a worker")


def test_runs_are_chosen_by_keyboard_and_compared(admin: Page, live_server: Any, aster: Organization) -> None:
    finished(aster, name="One")
    finished(aster, name="Two", config={"max_calls": 200, "metric": "exact", "goals": ["accuracy"], "rewrites": 0})
    admin.goto(f"{live_server.url}{RUNS}")
    picture(admin, "runs")
    for box in admin.get_by_role("checkbox").all():
        box.focus()
        admin.keyboard.press("Space")
    admin.get_by_test_id("compare").focus()
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", name="Runs side by side")).to_be_visible()
    expect(admin.get_by_role("region", name="Settings that differ")).to_contain_text("Most calls")
    picture(admin, "runs-compare")


def test_the_pages_fit_and_are_accessible_when_they_are_full(
    admin: Page, live_server: Any, aster: Organization
) -> None:
    done, other = finished(aster), finished(aster, name="Second")
    waiting = make_run(aster, name="Waits")
    paths = ["", "new/", f"{done.pk}/", f"{done.pk}/log/", f"{waiting.pk}/", f"compare/?run={done.pk}&run={other.pk}"]
    found = []
    for path in paths:
        found += faults(admin, f"{live_server.url}{RUNS}{path}")
    assert found == [], "\n".join(found)
    admin.goto(f"{live_server.url}{RUNS}{done.pk}/")
    picture(admin, "run-done")


def test_the_configs_to_start_from_follow_the_version(admin: Page, live_server: Any, aster: Organization) -> None:
    with organization_scope(aster.pk):
        numbers = {one.agent.name: one.number for one in AgentConfig.objects.select_related("agent")}
    admin.goto(f"{live_server.url}{RUNS}new/")
    versions, configs = admin.locator("#id_version"), admin.get_by_label("Start from")
    for place, name in ((1, "Critic"), (0, "Support")):  # the newest version first
        versions.select_option(index=place)
        expect(configs.locator("option")).to_have_count(1)
        expect(configs.locator("option")).to_contain_text(f"Config {numbers[name]} of ")
        expect(admin.get_by_test_id("estimate")).to_contain_text(f"config {numbers[name]} of {name}")
