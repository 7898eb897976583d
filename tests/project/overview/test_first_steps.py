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
        agent.serving_config = factories.make_config(agent)
        agent.save()
        factories.make_config(agent)
    page = sign_in("admin").get(f"/admin/learning/{path}").content.decode()
    assert words not in page and "<select" in page


def test_days_without_feedback_are_no_empty_frame(sign_in: Any) -> None:
    page = sign_in("admin").get("/admin/learning/").content.decode()
    assert "chart-plot" not in page and "No values yet" in page


def test_an_agent_that_serves_nothing_has_nothing_to_compare_a_candidate_with(
    sign_in: Any, organization: Organization
) -> None:
    with organization_scope(organization.id):
        factories.make_config(factories.make_agent())
    client = sign_in("admin")
    assert "No candidate yet" in client.get("/admin/learning/experiments/new/").content.decode()
    assert "<select" in client.get("/admin/learning/deployments/new/").content.decode()


def test_the_number_of_what_waits_leads_only_those_to_the_desk_who_may_review(sign_in: Any) -> None:
    link = '<a class="stat" href="/admin/learning/annotation/">'
    assert link in sign_in("expert").get("/admin/learning/").content.decode()
    assert link not in sign_in("member").get("/admin/learning/").content.decode()
