"""The frame of every page and the style guide: wide and narrow, light and dark, with keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser import specimens
from tests.browser.site import Site

PAGES = {"/": specimens.styleguide, "/demo/": specimens.demo}


@pytest.fixture
def styleguide(page: Page, site: Site) -> Page:
    site.pages.update({path: render() for path, render in PAGES.items()})
    page.goto(site.url)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_is_wider_than_the_window(styleguide: Page, site: Site, path: str, width: int, scheme: str) -> None:
    styleguide.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    styleguide.set_viewport_size({"width": width, "height": 800})
    styleguide.goto(site.url + path)
    assert styleguide.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_the_name_of_the_person_is_shown_in_full_beside_all_pages(styleguide: Page, width: int) -> None:
    styleguide.set_viewport_size({"width": width, "height": 800})
    expect(styleguide.locator(".nav-wide li")).to_have_count(10)
    lines = styleguide.locator(".menu-who > *")
    assert lines.evaluate_all("(all) => all.map((one) => one.scrollWidth - one.clientWidth)") == [0, 0]


def test_the_current_page_is_marked_in_the_navigation(styleguide: Page) -> None:
    expect(styleguide.locator(".nav-wide [aria-current=page]")).to_have_text("Training")


def test_the_first_tab_offers_to_skip_to_the_content(styleguide: Page) -> None:
    styleguide.keyboard.press("Tab")
    expect(styleguide.get_by_role("link", name="Skip to the content")).to_be_focused()
    styleguide.keyboard.press("Enter")
    expect(styleguide.locator("#main")).to_be_focused()


def test_on_a_phone_the_navigation_opens_and_closes_by_keys(styleguide: Page) -> None:
    styleguide.set_viewport_size({"width": 390, "height": 800})
    menu = styleguide.locator(".nav-narrow summary")
    menu.focus()
    styleguide.keyboard.press("Enter")
    expect(styleguide.get_by_role("link", name="Experiments", exact=True)).to_be_visible()
    styleguide.keyboard.press("Escape")
    expect(styleguide.get_by_role("link", name="Experiments", exact=True)).to_be_hidden()
    expect(menu).to_be_focused()


def test_signing_out_is_a_post_with_a_token(styleguide: Page) -> None:
    styleguide.get_by_text("Account:").locator("xpath=..").click()
    form = styleguide.locator("form[action='/logout/']")
    expect(form.get_by_role("button", name="Sign out")).to_be_visible()
    assert form.get_attribute("method") == "post"
    assert form.locator("[name=csrfmiddlewaretoken]").input_value()


def test_a_slider_shows_its_value_as_it_moves(styleguide: Page) -> None:
    slider = styleguide.get_by_label("Technical accuracy")
    slider.focus()
    styleguide.keyboard.press("ArrowRight")
    expect(styleguide.locator(".range output").first).to_have_text("0.85")


def test_every_control_of_the_style_guide_has_a_name(styleguide: Page) -> None:
    nameless = styleguide.evaluate(
        """[...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea, progress')]
        .filter((one) => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim()))
        .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_no_template_carries_an_inline_style_or_script() -> None:
    templates = (Path(settings.BASE_DIR) / "templates").rglob("*.html")
    forbidden = re.compile(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|hx-on", re.IGNORECASE)
    assert [str(path) for path in templates if forbidden.search(re.sub(r"{%.*?%}", "", path.read_text()))] == []
