"""A page of another origin with its own strict policy, which uses the widget of the running product."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from learning.models import AgentFeedback
from learning.services.executions import log_execution
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.browser.product import running_product
from tests.browser.site import Site

ANSWER = "The refund takes ten working days."


@pytest.fixture
def product(db: None) -> Iterator[str]:
    with running_product() as address:
        yield address


@pytest.fixture
def aster(product: str) -> Organization:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        item = {"agent_id": "support", "execution_id": "exec-1", "input": "When?", "output": ANSWER}
        log_execution(item=item, may_register=True)
    return organization


class Host:
    """A page of another origin. Nothing may be loaded there but the product's scripts; nothing may become markup."""

    def __init__(self, page: Page, product: str, site: Site, key: str) -> None:
        self.page, self.product, self.site, self.key = page, product, site, key
        site.policy = (
            f"default-src 'none'; script-src {product}; connect-src {product}; img-src data:; base-uri 'none'; "
            "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def show(
        self, tag: str = "agent-feedback", content: str = "", root: str = 'lang="en"', **attributes: str
    ) -> Locator:
        """Opens a page with one element; the default ones name the output and the publishable key."""
        given = {"agent": "support", "execution": "exec-1", "user": "u-17", "key": self.key, "output": ANSWER}
        given |= {"endpoint": f"{self.product}/api/learning/"} | attributes
        written = " ".join(f'{name}="{html.escape(value)}"' for name, value in given.items() if value)
        self.site.pages["/"] = (
            f'<!doctype html><html {root}><head><title>Shop</title><meta name="viewport" content="width=device-width">'
            f'<link rel="icon" href="data:,"><script type="module" src="{self.product}/static/js/agent-feedback.js">'
            f"</script></head><body><main><h1>Shop</h1><{tag} {written}>{content}</{tag}></main></body></html>"
        )
        self.page.goto(self.site.url)
        return self.page.get_by_test_id("feedback-widget")


@pytest.fixture
def host(page: Page, product: str, aster: Organization, site: Site) -> Host:
    key = factories.make_key(aster, kind=KeyKind.PUBLISHABLE, allowed_origins=[site.url])
    return Host(page, product, site, key)


def stored(organization: Organization) -> list[dict[str, Any]]:
    with organization_scope(organization.id):
        rows = AgentFeedback.objects.order_by("id").values("feedback_type", "rating", "accuracy", "issue_categories")
        return [{name: value for name, value in row.items() if value} for row in rows]


def says(widget: Locator, text: str) -> None:
    expect(widget.get_by_role("status").first).to_have_text(text, timeout=20_000)  # a whole request on a busy machine


def forgive(complaints: list[str], text: str) -> None:
    """The console notes failed requests by itself; anything else stays a complaint."""
    complaints[:] = [one for one in complaints if not re.search(text, one)]
