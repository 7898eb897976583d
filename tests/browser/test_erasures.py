"""Forgetting a person with real clicks: what is said before, the work, the receipt, and what is left of a version."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning import job_tasks
from learning.models import DatasetVersion, Job, LearningExample
from organizations.models import Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_every_page import DESK, PHONE, faults, sideways

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("SHOTS")  # a folder to look at the pages
PAGE = "/admin/learning/erasures/"
Held = tuple[DatasetVersion, User]


@pytest.fixture
def held(live_server: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    """A published version that holds an example of "ada", and an administrator; the test itself is the worker."""
    settings.ARTIFACT_DIR = tmp_path
    monkeypatch.setattr(job_tasks.run_job, "delay", lambda **_: None)
    organization = factories.make_organization("Aster")
    with organization_scope(organization.pk):
        agent = factories.make_agent(name="Critic")
        factories.make_config(agent)
        version = factories.make_published_version(agent)
        example = version.items.filter(split="train")[0].example_id
        LearningExample.objects.filter(pk=example).update(user="ada")
    return version, factories.make_user(organization, Role.ADMIN)


def shoot(page: Page, name: str) -> None:
    for size in (DESK, PHONE) if SHOTS else ():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.screenshot(path=f"{SHOTS}/{name}-{size['width']}.png", full_page=True)


def test_an_erasure_is_followed_to_its_receipt(
    held: Held, live_server: Any, signed_in: Callable[[User], Page], axe: Callable[..., None]
) -> None:
    version, admin = held
    page = signed_in(admin)
    page.goto(live_server.url + PAGE)
    page.get_by_label("Pseudonym").fill("ada")
    page.get_by_role("button", name="Look what there is").click()
    expect(page.get_by_text("Imports that wait or run are stopped")).to_be_visible()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert sideways(page) == 0
    axe(page)
    shoot(page, "preview")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_test_id("erase-button").click()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    shoot(page, "following")
    assert faults(page, page.url) == []
    with organization_scope(version.organization_id):
        job = Job.objects.get(kind="erasure")
    job_tasks.run_job(organization_id=str(version.organization_id), job_id=str(job.pk))
    expect(page.get_by_role("heading", name="Receipt of an erasure")).to_be_visible()
    shoot(page, "receipt")
    assert faults(page, page.url) == []
    address = f"{live_server.url}/admin/learning/datasets/{version.dataset_id}/versions/1/"
    assert faults(page, address) == []
    shoot(page, "version")
    page.get_by_test_id("erased").get_by_role("link", name="version 2").click()
    expect(page.get_by_role("heading", name="Version 2", exact=True)).to_be_visible()
