"""axe-core, run inside a page: what it finds fails the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SOURCE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, within: str | None = None, without: tuple[str, ...] = ()) -> list[str]:
    """One line for each finding: rule, what it asks for, where. Shadow roots are looked into.

    `within` is a selector to look at alone; `without` are ids of rules to leave out, each with its reason at the call.
    """
    # Evaluated by the debugger, so the page's content security policy does not have to let it in.
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(f"{SOURCE.read_text()}; undefined")
    options = {
        "runOnly": {"type": "tag", "values": RULES},
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],  # nobody reads where else a rule held: to name each element takes its time
    }
    found: list[dict[str, Any]] = page.evaluate(
        "([within, options]) => axe.run(within ?? document, options).then((result) => result.violations)",
        [within, options],
    )
    return [f"{one['id']}: {one['help']} at {node['target']}" for one in found for node in one["nodes"]]
