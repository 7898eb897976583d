"""A form that has nothing to choose from says what to do first, instead of an empty list of choices."""

from __future__ import annotations

from typing import Any

import pytest

from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

PAGES = [
    ("datasets/new/", "No agent yet"),
    ("training/new/", "No dataset version yet"),
    ("experiments/new/", "No candidate yet"),
    ("deployments/new/", "No config to deploy"),
]


@pytest.mark.parametrize(("path", "words"), PAGES)
def test_without_anything_to_choose_the_page_leads_to_what_comes_before(sign_in: Any, path: str, words: str) -> None:
    page = sign_in("admin").get(f"/admin/learning/{path}").content.decode()
    assert words in page and 'class="empty"' in page and "<select" not in page


@pytest.mark.parametrize(("path", "words"), PAGES)
def test_with_something_to_choose_there_is_the_form(
    sign_in: Any, organization: Organization, path: str, words: str
) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
        factories.make_published_version(agent)
        factories.make_config(agent)
    page = sign_in("admin").get(f"/admin/learning/{path}").content.decode()
    assert words not in page and "<select" in page


def test_days_without_feedback_are_no_empty_frame(sign_in: Any) -> None:
    page = sign_in("admin").get("/admin/learning/").content.decode()
    assert "chart-plot" not in page and "No values yet" in page
