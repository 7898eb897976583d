"""Every page of the product fits a phone, has nothing that axe-core objects to, in daylight and in the dark, and shows
a script tag in what a stranger wrote as text.

The organization is full, and its texts are long and without a place to break; each would do something as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from organizations.models import Role
from organizations.scope import organization_scope
from tests import factories
from tests.architecture.addresses import address, routes
from tests.architecture.reach import names_to_try
from tests.browser.accessibility import violations
from tests.browser.hostile import Watch, fill
from tests.browser.site import Site

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
LEFT_OUT = (
    "logout/",  # ends the session that the sweep needs
    "api/docs/",  # Swagger UI, which has a look of its own, styles itself inline and is refused that; it shows no data
)
PART = "demo-progress"  # of the dashboard: it takes no text for markup, but it is no page
# What the sweep must have met, or it would prove nothing.
MET = [
    "/admin/learning/", "/admin/learning/agents/new/", "/admin/learning/annotation/", "/admin/learning/audit/",
    "/admin/learning/experiments/new/", "/admin/learning/feedback/", "/admin/learning/keys/",
    "/admin/learning/members/", "/admin/learning/executions/", "/demo/", "/password/",
]  # fmt: skip
# Pages that must have shown a hostile text.
SHOW_IT = ["/admin/learning/", "/admin/learning/annotation/", "/admin/learning/agents/", "/admin/learning/executions/",
           "/admin/learning/audit/", "/admin/learning/organization/", "/demo/"]  # fmt: skip
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


def own_addresses(client: Client, made: dict[Any, Any]) -> Iterator[str]:
    """Every route of the product: one with a parameter for each row that it could show."""
    names = {model: [str(row.pk)] for model, row in made.items()}
    for route, _ in routes():
        if route.startswith("api/learning") or route in LEFT_OUT or "unknown" in route:
            continue
        if "<" not in route:
            yield address(route, "")
        else:
            yield from {address(route, name) for name in names_to_try(route, asking(client, route), names)}


def asking(client: Client, route: str) -> Callable[[str], Any]:
    return lambda name: client.get(address(route, name))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_every_page_fits_a_phone_is_accessible_and_takes_no_text_for_markup(
    page: Page, live_server: Any, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, made = fill(monkeypatch)
    monkeypatch.setattr("project.demo.sign_ins.publishable_key", lambda: "pk_demo")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    enter(page, client, live_server.url)
    watch = Watch(page, complaints)
    met: list[str] = []
    found: list[str] = []
    for path in dict.fromkeys(own_addresses(client, made)):
        answer = client.get(path)
        assert answer.status_code < 500, path
        is_file = answer.has_header("Content-Disposition")  # such as the report of an experiment
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html") and not is_file:
            met.append(path)
            wrong = faults(page, live_server.url + path)
            found += [] if PART in path else wrong
            watch.look(path)
    assert found == [], "\n".join(found)
    assert [path for path in MET if path not in met] == []
    assert [kind for kind in KINDS if not any(f"/{kind}/" in path and len(path) > 50 for path in met)] == []
    assert [path for path in SHOW_IT if path not in watch.shown] == []
    assert any(path.startswith("/admin/learning/executions/0") for path in watch.shown), "the page of one execution"


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
