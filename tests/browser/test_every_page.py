"""Every page of the product fits a phone and has nothing that axe-core objects to, in daylight and in the dark.

The organization is full, and its texts are long and without a place to break: they are the ones of the hostile sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from organizations.models import Role
from organizations.scope import organization_scope
from tests import factories
from tests.browser.accessibility import violations
from tests.browser.hostile import fill
from tests.browser.site import Site
from tests.browser.test_hostile_texts import own_addresses

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
OTHERS = ("api/docs", "demo-progress")  # Swagger UI has a look of its own; a part of the dashboard is no page
# What the sweep must have met, or it would prove nothing.
MET = [
    "/admin/learning/", "/admin/learning/agents/new/", "/admin/learning/annotation/", "/admin/learning/audit/",
    "/admin/learning/experiments/new/", "/admin/learning/feedback/", "/admin/learning/keys/",
    "/admin/learning/members/", "/admin/learning/executions/", "/demo/", "/password/",
]  # fmt: skip
KINDS = ("agents", "datasets", "training", "gates", "experiments", "lineage", "annotation/queues", "annotation/rubrics")


def sideways(page: Page) -> int:
    """By how many pixels the page can be pushed to the side."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def faults(page: Page, address: str) -> list[str]:
    """What is wrong with a page: on a phone in the dark, then on a desk by day."""
    found = []
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.goto(address)
    if wider := sideways(page):
        found.append(f"scrolls sideways by {wider} px")
    found += violations(page)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(DESK)
    if wider := sideways(page):
        found.append(f"scrolls sideways by {wider} px on a desk")
    return [f"{address}: {one}" for one in found + violations(page)]


def enter(page: Page, client: Client, address: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_every_page_fits_a_phone_and_is_accessible(
    page: Page, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, made = fill(monkeypatch)
    monkeypatch.setattr("project.demo.sign_ins.publishable_key", lambda: "pk_demo")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    enter(page, client, live_server.url)
    met: list[str] = []
    found: list[str] = []
    for path in dict.fromkeys(own_addresses(client, made)):
        if any(part in path for part in OTHERS):
            continue
        answer = client.get(path)
        assert answer.status_code < 500, path
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            met.append(path)
            found += faults(page, live_server.url + path)
    assert found == [], "\n".join(found)
    assert [path for path in MET if path not in met] == []
    assert [kind for kind in KINDS if not any(f"/{kind}/" in path and len(path) > 50 for path in met)] == []


@pytest.mark.django_db(transaction=True)
def test_pages_of_an_organization_that_begins_are_accessible_and_fit(page: Page, live_server: Any) -> None:
    organization = factories.make_organization()
    client = Client()
    client.force_login(factories.make_user(organization, Role.ADMIN))
    enter(page, client, live_server.url)
    first = ("", "agents/", "datasets/new/", "training/new/", "experiments/new/", "deployments/", "feedback/", "audit/",
             "annotation/", "annotation/agreement/", "annotation/plan/", "annotation/mine/")  # fmt: skip
    found = [one for path in first for one in faults(page, f"{live_server.url}/admin/learning/{path}")]
    assert found == [], "\n".join(found)


@pytest.mark.django_db(transaction=True)
def test_the_pages_before_and_beside_the_product_are_accessible_and_fit(
    page: Page, live_server: Any, complaints: list[str]
) -> None:
    found = faults(page, f"{live_server.url}/login/")
    organization = factories.make_organization()
    client = Client()
    with organization_scope(organization.id):
        member = factories.make_user(organization, Role.MEMBER)
    client.force_login(member)
    enter(page, client, live_server.url)
    for path, heading in (("keys/", "You may not open this page"), ("nowhere/", "There is nothing here")):
        found += faults(page, f"{live_server.url}/admin/learning/{path}")
        assert page.get_by_role("heading", level=1).inner_text() == heading
    assert found == [], "\n".join(found)
    assert all("Failed to load resource" in one for one in complaints)  # 403 and 404 are what was asked for
    complaints.clear()


def test_a_page_that_does_not_fit_is_noticed(page: Page, site: Site, axe: Callable[..., None]) -> None:
    wide = "<pre>" + "wide" * 200 + "</pre>"
    site.pages["/"] = (
        "<!doctype html><html lang=en><title>Wide</title><link rel=icon href='data:,'>"
        f"<meta name=viewport content='width=device-width'><main><h1>Wide</h1>{wide}<img></main>"
    )
    found = faults(page, site.url)
    assert any("sideways" in one for one in found) and any("image-alt" in one for one in found)
