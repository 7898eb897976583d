"""The page of API keys in a browser: make, copy, rotate, revoke."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from organizations.keys import resolve_api_key
from organizations.models import ApiKey, Organization, Role, User
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("KEYS_SHOTS")  # a folder to look at the page afterwards


@pytest.fixture
def aster(live_server: Any) -> Organization:
    return factories.make_organization("Aster")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_key_is_made_copied_rotated_and_revoked(
    signed_in: Callable[[User], Page], live_server: Any, aster: Organization, axe: Callable[..., None]
) -> None:
    page = signed_in(factories.make_user(aster, Role.ADMIN))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.goto(f"{live_server.url}/admin/learning/keys/")
    page.get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Make the key").click()
    made = page.get_by_test_id("new-key").inner_text()
    page.get_by_test_id("copy-key").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == made
    assert resolve_api_key(made)
    axe(page)
    shoot(page, "keys")

    page.get_by_role("link", name="Rotate shop").click()
    axe(page)
    shoot(page, "rotate")
    page.get_by_label("The old key works on").fill("1")
    page.get_by_role("button", name="Make the successor").click()
    successor = page.get_by_test_id("new-key").inner_text()
    assert resolve_api_key(made) and resolve_api_key(successor)
    shoot(page, "rotated")
    page.get_by_role("link", name="All keys").click()

    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a narrow page is scrolled sideways"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("row").filter(has_text=made[:10]).get_by_role("button", name="Revoke shop").click()
    expect(page.get_by_text("The key shop no longer works.")).to_be_visible()
    assert resolve_api_key(made) is None and resolve_api_key(successor)
    shoot(page, "revoked")
    with organization_scope(aster.id):
        assert ApiKey.objects.count() == 2


def test_without_the_clipboard_the_key_is_selected(
    signed_in: Callable[[User], Page], live_server: Any, aster: Organization
) -> None:
    page = signed_in(factories.make_user(aster, Role.ADMIN))
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{live_server.url}/admin/learning/keys/")
    page.get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_test_id("copy-key").click()
    expect(page.get_by_text("Selected: press Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString().trim()") == page.get_by_test_id("new-key").inner_text()
