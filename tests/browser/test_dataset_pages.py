"""The pages of datasets in a browser: they fit, axe-core has no objection, and the preview comes by itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import DatasetVersion, LearningExample
from learning.services import datasets
from learning.services.publication import publish_version
from organizations.models import User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_every_page import faults

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = ["parcel", "window", "river", "garden", "letter", "doctor", "summer", "bridge", "ticket", "engine", "winter"]


@pytest.fixture
def version() -> tuple[DatasetVersion, User]:
    """Two versions of a dataset, and a manager."""
    organization = factories.make_organization()
    manager = factories.make_user(organization, "manager")
    with organization_scope(organization.pk):
        agent = factories.make_agent(name="Support")
        for number in range(60):
            words = " ".join(Random(number).choices(WORDS, k=12))
            factories.make_example(
                agent, review_status="approved",
                input_text=f"{words} ann{number}@example.com", domain=WORDS[number % 3],
                quality_score=0.7, consensus_weight=0.5 + number / 120, expected_output=f"the {words}",
            )  # fmt: skip
        dataset = datasets.create_dataset(name="Support answers", agent=agent, description="What support should say.")
        version = publish_version(dataset=dataset)
        for item in version.items.filter(split="train")[:3]:
            LearningExample.objects.filter(pk=item.example_id).update(expected_output="the other window")
        dataset.half_life_days = 90
        dataset.save()
        publish_version(dataset=dataset)
    return version, manager


def test_every_page_of_a_dataset_fits_and_is_accessible(
    live_server: Any, version: tuple[DatasetVersion, User], signed_in: Callable[[User], Page]
) -> None:
    first, manager = version
    page = signed_in(manager)
    root = f"{live_server.url}/admin/learning/datasets/{first.dataset_id}"
    with organization_scope(first.organization_id):
        key = first.items.exclude(split="test")[0].example_id
    found = []
    for name in ("/", "/change/", "/preview/", "/diff/", "/versions/2/", "/versions/2/items/"):
        found += faults(page, root + name)
        if folder := os.environ.get("SHOTS"):
            shoot(page, root + name, f"{folder}/{name.strip('/').replace('/', '-') or 'detail'}")
    weigh = f"{live_server.url}/admin/learning/examples/{key}/weight/"
    found += faults(page, weigh)
    if folder := os.environ.get("SHOTS"):
        shoot(page, weigh, f"{folder}/weight")
    assert found == [], "\n".join(found)


def test_the_preview_loads_by_itself_and_a_fingerprint_is_copied(
    live_server: Any, version: tuple[DatasetVersion, User], signed_in: Callable[[User], Page]
) -> None:
    first, manager = version
    page = signed_in(manager)
    page.goto(f"{live_server.url}/admin/learning/datasets/{first.dataset_id}/")
    expect(page.get_by_test_id("preview-total")).to_contain_text("60 approved examples belong in")
    page.get_by_role("link", name="Version 1").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == first.manifest_hash


def shoot(page: Page, address: str, path: str) -> None:
    for width, height in ((1280, 900), (390, 844)):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address, wait_until="networkidle")
            page.screenshot(path=f"{path}-{width}-{scheme}.png", full_page=True)
