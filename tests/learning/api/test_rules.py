"""Rules over HTTP: made, changed, switched, previewed, applied to past data."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import ExampleRule, Job, LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.services.test_example_rules import execute, say

ROOT = "/api/learning/rules"
LIKED = {
    "name": "Liked", "source": "user_feedback", "example_type": "positive", "conditions": {"opinion": "positive"},
}  # fmt: skip


def test_a_rule_is_made_off_and_switched_on_by_a_change(api: Any, organization: Organization) -> None:
    made = api.post(ROOT, LIKED, format="json")
    assert made.status_code == 201
    assert made.json()["active"] is False
    changed = api.patch(f"{ROOT}/{made.json()['id']}", {"active": True, "position": 3}, format="json")
    assert (changed.json()["active"], changed.json()["position"]) == (True, 3)
    assert changed.json()["conditions"] == {"opinion": "positive"}
    assert [one["name"] for one in api.get(ROOT).json()["results"]] == ["Liked"]


def test_a_rule_may_be_one_agent_s_and_be_every_agent_s_again(api: Any, organization: Organization) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
    made = api.post(ROOT, LIKED | {"agent_id": agent.external_id}, format="json").json()
    assert made["agent_id"] == agent.external_id
    assert api.patch(f"{ROOT}/{made['id']}", {"name": "Other"}, format="json").json()["agent_id"] == agent.external_id
    assert api.patch(f"{ROOT}/{made['id']}", {"agent_id": None}, format="json").json()["agent_id"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conditions": {"opinion": "so so"}}, "opinion"), ({"conditions": {"colour": 1}}, "colour"),
        ({"example_type": "correction"}, "example_type"), ({"conditions": {}}, "conditions"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_with_the_field(api: Any, change: dict[str, Any], field: str) -> None:
    response = api.post(ROOT, LIKED | change, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field


def test_a_preview_tells_what_would_be_made_and_a_job_makes_it(api: Any, organization: Organization) -> None:
    with organization_scope(organization.pk):
        say(execute(factories.make_agent(), input="How?"), feedback_text="good")
    rule = api.post(ROOT, LIKED, format="json").json()
    preview = api.get(f"{ROOT}/{rule['id']}/preview?days=7").json()
    assert (preview["made"], preview["looked_at"], preview["is_whole"]) == (1, 1, True)
    assert preview["samples"][0]["input_text"] == "How?"
    started = api.post(f"{ROOT}/{rule['id']}/apply", {"days": 7}, format="json")
    assert started.status_code == 202
    with organization_scope(organization.pk):
        assert Job.objects.get().kind == "rules"
        assert not LearningExample.objects.exists()


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_a_preview_looks_back_a_year_at_most(api: Any, days: str) -> None:
    rule = api.post(ROOT, LIKED, format="json").json()
    assert api.get(f"{ROOT}/{rule['id']}/preview?days={days}").status_code == 400


def test_the_usual_rules_come_once(api: Any, organization: Organization) -> None:
    assert len(api.post(f"{ROOT}/standard").json()["rules"]) == 7
    assert api.post(f"{ROOT}/standard").json() == {"rules": []}
    with organization_scope(organization.pk):
        assert not ExampleRule.objects.filter(active=True).exists()


def test_a_key_that_only_sends_may_not_touch_rules(organization: Organization, other_api: Any, api: Any) -> None:
    sender = api_with(factories.make_key(organization, scopes=["ingest"]))
    assert sender.get(ROOT).status_code == 403
    assert sender.post(ROOT, LIKED, format="json").status_code == 403
    rule = api.post(ROOT, LIKED, format="json").json()
    assert other_api.get(f"{ROOT}/{rule['id']}/preview").status_code == 404


def test_the_usual_rules_are_added_looked_at_switched_on_and_applied_in_the_browser(
    sign_in: Any, organization: Organization
) -> None:
    manager = sign_in("manager")
    pages = "/admin/learning/rules/"
    assert "No rule yet" in manager.get(pages).content.decode()
    assert manager.post(f"{pages}standard").status_code == 302
    with organization_scope(organization.pk):
        rule = ExampleRule.objects.get(name__startswith="Liked")
        say(execute(factories.make_agent(), input="How <b>?"), feedback_text="good")
    shown = manager.get(f"{pages}{rule.pk}/?days=30").content.decode()
    assert "1 example<" in shown and "How &lt;b&gt;?" in shown
    assert manager.post(f"{pages}{rule.pk}/switch", {"active": "on"}).status_code == 302
    assert "/jobs/" in manager.post(f"{pages}{rule.pk}/apply", {"days": 30})["Location"]
    with organization_scope(organization.pk):
        rule.refresh_from_db()
        assert rule.active


def test_the_form_of_a_rule_keeps_what_it_does_not_change(sign_in: Any, organization: Organization) -> None:
    manager, pages = sign_in("manager"), "/admin/learning/rules/"
    asked = {
        "name": "Mine", "source": "user_feedback", "example_type": "negative", "position": 7, "sample": 0.5,
        "opinion": "negative", "feedback_types": ["thumbs_down"], "has_comment": "no", "issue_categories": ["tone"],
    }  # fmt: skip
    assert manager.post(f"{pages}new/", asked).status_code == 302
    with organization_scope(organization.pk):
        rule = ExampleRule.objects.get()
        kept = {"opinion": "negative", "feedback_types": ["thumbs_down"], "has_comment": False}
        assert rule.conditions == kept | {"issue_categories": ["tone"], "sample": 0.5}
    shown = manager.get(f"{pages}{rule.pk}/").content.decode()
    assert 'value="no" selected' in shown and 'value="0.5"' in shown
    refused = manager.post(f"{pages}{rule.pk}/", asked | {"source": "execution_log"}).content.decode()
    assert "Executions without feedback have no opinion" in refused


def test_an_expert_may_not_see_rules(sign_in: Any, organization: Organization) -> None:
    assert sign_in("expert").get("/admin/learning/rules/").status_code == 403
