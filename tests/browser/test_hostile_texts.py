"""A script tag in what a stranger wrote is shown as text, on every page of Django's own tables.

Every address of theirs is opened in a browser, as an administrator of an organization whose every text would do
something as markup. The product's own pages: test_every_page.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Page

from tests.browser.hostile import LONG, LOOK, MADE, Watch, fill
from tests.browser.site import Site

# Pages that must have shown the text, or the sweep would prove nothing.
SHOW_IT = ["/admin/learning/execution/", "/admin/learning/learningexample/"]


def addresses(client: Client, made: dict[Any, Any]) -> list[str]:
    """Every address that this person sees as a page."""
    found: list[str] = []
    broken: list[str] = []
    for path in dict.fromkeys(admin_addresses(made)):
        answer = client.get(path)
        broken += [path] if answer.status_code >= 500 else []
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found.append(path)
    assert broken == []
    return found


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
def test_no_page_of_a_table_takes_a_text_for_markup(
    page: Page, live_server: Any, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, made = fill(monkeypatch)
    client = Client(raise_request_exception=False)
    client.force_login(person)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    watch = Watch(page, complaints)
    for path in addresses(client, made):
        page.goto(live_server.url + path)
        watch.look(path)
    assert [path for path in SHOW_IT if path not in watch.shown] == []
    assert any("agentfeedback/0" in path and path.endswith("/change/") for path in watch.shown)
    assert len(watch.shown) > 40, watch.shown


def test_a_page_that_takes_a_text_for_markup_is_noticed(page: Page, site: Site, complaints: list[str]) -> None:
    site.pages["/"] = f"<!doctype html><html><title>Bad</title><link rel=icon href='data:,'><body>{LONG}</body></html>"
    page.goto(site.url)
    assert len(page.evaluate(LOOK, MADE)["found"]) == 4
    assert any("Content Security Policy" in one for one in complaints)
    complaints.clear()
