"""axe-core itself finds what is wrong, also inside a shadow root."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import violations
from tests.browser.site import Site

PAGE = (
    '<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,"><main><h1>A</h1>{}</main></html>'
)


def test_a_page_without_mistakes_passes(page: Page, site: Site, axe: Callable[..., None]) -> None:
    site.pages["/"] = PAGE.format("<p>Text</p>")
    page.goto(site.url)
    axe(page)


def test_a_button_without_a_name_is_found_in_a_shadow_root(page: Page, site: Site, axe: Callable[..., None]) -> None:
    site.pages["/"] = PAGE.format("<div id=host></div>")
    page.goto(site.url)
    page.evaluate(
        "document.querySelector('#host').attachShadow({mode: 'open'}).append(document.createElement('button'))"
    )
    assert [line.split(":")[0] for line in violations(page)] == ["button-name"]
    with pytest.raises(AssertionError, match="button-name"):
        axe(page)
    axe(page, without=("button-name",))
