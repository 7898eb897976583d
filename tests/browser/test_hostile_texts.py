"""A script tag in what a stranger wrote is shown as text, on every page of the product.

Every address that answers a GET with a page is opened in a browser, as an administrator of an organization whose every
text would do something as markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Page

from organizations.models import User
from tests.architecture.addresses import address, routes
from tests.architecture.reach import names_to_try
from tests.browser.hostile import LONG, MADE, TEXT, fill
from tests.browser.site import Site

LEFT_OUT = (
    "logout/",  # ends the session that the sweep needs
    "api/docs/",  # Swagger UI, which styles itself inline and is refused that; it shows no data
)
# Pages that must have shown the text, or the sweep would prove nothing.
SHOW_IT = [
    "/admin/learning/",
    "/admin/learning/annotation/",
    "/admin/learning/agents/",
    "/admin/learning/executions/",
    "/admin/learning/audit/",
    "/admin/learning/organization/",
    "/admin/learning/execution/",
    "/admin/learning/learningexample/",
    "/demo/",
]

LOOK = """(selector) => {
  const found = [], texts = [];
  const look = (root) => {
    for (const one of root.querySelectorAll(selector)) found.push(one.outerHTML.slice(0, 200));
    texts.push(root.textContent);
    for (const one of root.querySelectorAll("input, textarea")) texts.push(one.value);
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
  };
  look(document.documentElement);
  return { found, shown: texts.some((text) => text.includes("<x-bad>")) };
}"""


def addresses(client: Client, made: dict[Any, Any]) -> list[str]:
    """Every address that this person sees as a page, each route with the rows that it takes."""
    found: list[str] = []
    broken: list[str] = []
    for path in [*own_addresses(client, made), *admin_addresses(made)]:
        if path in found:
            continue
        answer = client.get(path)
        broken += [path] if answer.status_code >= 500 else []
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found.append(path)
    assert broken == []
    return found


def own_addresses(client: Client, made: dict[Any, Any]) -> Iterator[str]:
    """Every route of the product: one with a parameter for each row that it could show."""
    names = {model: [str(row.pk)] for model, row in made.items()}
    for route, _ in routes():
        if route.startswith("api/learning") or route in LEFT_OUT or "unknown" in route:
            continue
        if "<" not in route:
            yield address(route, "")
        else:
            yield from {address(route, name) for name in names_to_try(asking(client, route), names)}


def asking(client: Client, route: str) -> Callable[[str], Any]:
    return lambda name: client.get(address(route, name))


def admin_addresses(made: dict[Any, Any]) -> Iterator[str]:
    """Django's own tables: the list, a search, a row, its history, its forms."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield f"{reverse(f'{name}_changelist')}?q=%3Cx-bad%3E"
        rows = [made[model]] if model in made else []
        for what, arguments in (("add", []), *((w, [row.pk]) for row in rows for w in ("change", "history", "delete"))):
            try:
                yield reverse(f"{name}_{what}", args=arguments)
            except NoReverseMatch:
                continue


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_no_page_takes_a_text_for_markup(
    page: Page, live_server: Any, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, made = fill(monkeypatch)
    User.objects.filter(pk=person.pk).update(username=TEXT, is_staff=True, is_superuser=True)
    person.refresh_from_db()
    monkeypatch.setattr("project.demo.sign_ins.publishable_key", lambda: "pk_demo")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    shown = []
    for path in addresses(client, made):
        page.goto(live_server.url + path)
        seen = page.evaluate(LOOK, MADE)
        assert seen["found"] == [], path
        assert dialogs == [], path
        shown += [path] if seen["shown"] else []
        assert complaints == [], path
    assert [path for path in SHOW_IT if path not in shown] == []
    assert any("agentfeedback/0" in path and path.endswith("/change/") for path in shown)
    assert any(path.startswith("/admin/learning/executions/0") for path in shown), "the page of one execution"
    assert len(shown) > 40, shown


def test_a_page_that_takes_a_text_for_markup_is_noticed(page: Page, site: Site, complaints: list[str]) -> None:
    site.pages["/"] = f"<!doctype html><html><title>Bad</title><link rel=icon href='data:,'><body>{LONG}</body></html>"
    page.goto(site.url)
    assert len(page.evaluate(LOOK, MADE)["found"]) == 4
    assert any("Content Security Policy" in one for one in complaints)
    complaints.clear()
