"""What one test did in the browser is gone in the next one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.site import Site
from tests.browser.window import Window

BLANK = "<!doctype html><html lang=en><title>Blank</title><link rel=icon href='data:,'>"
STORE = """() => {
  localStorage.kept = sessionStorage.kept = document.cookie = "kept=1";
  const opening = indexedDB.open("kept");
  return new Promise((done) => { opening.onsuccess = () => { opening.result.close(); done(); }; });
}"""
LEFT = """async () => [
  localStorage.length, sessionStorage.length, document.cookie,
  (await indexedDB.databases()).length, (await navigator.permissions.query({ name: "clipboard-read" })).state,
]"""


@pytest.fixture
def another(browser: Browser) -> Iterator[Window]:
    with Window(browser) as opened:
        yield opened


def test_nothing_is_left_for_the_next_test(another: Window, site: Site) -> None:
    site.pages["/"] = BLANK
    page = another.new_page()
    page.goto(site.url)
    untouched = page.evaluate(LEFT)
    page.context.grant_permissions(["clipboard-read"], origin=site.url)
    page.evaluate(STORE)
    second = page.context.new_page()
    second.goto(site.url)
    page.context.set_offline(True)
    assert page.evaluate(LEFT) == [1, 1, "kept=1", 1, "granted"]
    another.forget()
    assert page.is_closed() and second.is_closed()
    following = another.new_page()
    following.goto(site.url)
    assert following.evaluate(LEFT) == untouched == [0, 0, "", 0, "prompt"]
