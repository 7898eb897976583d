"""One window of the browser for all tests: to open one takes longer than most pages of the product."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, Page, expect

PATIENCE = 30_000  # milliseconds: a busy machine takes its time, and who fails has time too


class Window:
    """Each test has a tab of its own, and nothing is left of the one before but files that the browser may keep."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
        self._context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self._first = self._context.new_page()  # without a tab the window would close
        self._devtools = self._context.new_cdp_session(self._first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def new_page(self) -> Page:
        return self._context.new_page()

    def forget(self) -> None:
        """Close all tabs; forget cookies, what pages stored, and what they were allowed."""
        for page in self._context.pages:
            if page is not self._first:
                page.close()
        self._context.clear_cookies()
        self._context.clear_permissions()
        self._context.set_offline(False)
        self._devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
