"""A headless Chromium for the tests of this folder, and a page that fails its test on any script error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from organizations.models import User
from tests.browser.accessibility import violations
from tests.browser.site import Site
from tests.browser.window import Window

PASSWORD = "a long enough password"  # what factories.make_user gives

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Under its address bar a window keeps pages of its own ready. Nobody sees them here, and they take longer than most
    # pages of the product. The last list counts alone, so it begins with what Playwright switches off.
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "page" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def chromium() -> str | None:
    """The browser to drive: CHROMIUM, or the first of the usual names on the path."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        reason = "no Chromium on the path: install Debian's chromium, or name one in CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright's loop runs in this thread; Django would take the tests' database calls for asynchronous ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session", autouse=True)
def static_files_are_kept() -> Iterator[None]:
    """As the product does, the live server lets the browser keep them: an admin page asks for twenty of them."""
    serve = StaticFilesHandler.serve

    def served(self: StaticFilesHandler, request: HttpRequest) -> Any:
        answer = serve(self, request)
        answer["Cache-Control"] = "max-age=3600"
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFilesHandler, "serve", served)
        yield


@pytest.fixture(scope="session")
def window(browser: Browser) -> Iterator[Window]:
    with Window(browser) as opened:
        yield opened


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained of: console errors, policy violations, uncaught exceptions.

    A test that provokes one takes it out; what is left fails the test.
    """
    return []


@pytest.fixture
def page(window: Window, complaints: list[str]) -> Iterator[Page]:
    opened = window.new_page()
    opened.on("console", lambda message: _note(message, complaints))
    opened.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield opened
    window.forget()
    assert complaints == []


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as started:
        yield started


@pytest.fixture
def axe() -> Callable[..., None]:
    """axe(page) fails the test with what axe-core finds on it; axe(page, within="main") looks at a part."""

    def check(page: Page, within: str | None = None, without: tuple[str, ...] = ()) -> None:
        found = violations(page, within, without)
        assert not found, "\n".join(found)

    return check


@pytest.fixture
def signed_in(page: Page, live_server: Any) -> Callable[[User], Page]:
    """signed_in(user) -> the page, with that person's session at `live_server`; it shows nothing yet."""

    def sign_in(user: User) -> Page:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        return page

    return sign_in


@pytest.fixture
def signing_in(page: Page, live_server: Any) -> Callable[[User], Page]:
    """signing_in(user) -> the page on which that person arrives after the form of `live_server`."""

    def sign_in(user: User) -> Page:
        page.goto(f"{live_server.url}/login/")
        page.get_by_label("User name").fill(user.get_username())
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/admin/learning/**")
        return page

    return sign_in


def _note(message: ConsoleMessage, complaints: list[Any]) -> None:
    if message.type in {"error", "warning"}:
        complaints.append(f"{message.type}: {message.text}")
