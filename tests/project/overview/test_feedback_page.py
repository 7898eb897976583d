"""The page of what people say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning.models import AgentFeedback
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

PAGE = "/admin/learning/feedback/"
SCRIPT = '<script>alert("x")</script>'


def say(organization: Organization, agent: Any = None, **values: Any) -> AgentFeedback:
    with organization_scope(organization.id):
        agent = agent or factories.make_agent(name=values.pop("name", "Support"))
        row = AgentFeedback.objects.create(**{"agent": agent, "feedback_type": "detailed_feedback"} | values)
        return AgentFeedback.objects.select_related("agent").get(pk=row.pk)


def text_of(client: Any, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_sees_the_numbers_the_issues_and_the_words(sign_in: Any, organization: Organization) -> None:
    first = say(organization, feedback_text="Too long, but right.", rating=4, issue_categories=["tone"])
    say(organization, first.agent, feedback_type="thumbs_down")
    text = text_of(sign_in("manager"))
    assert "Too long, but right." in text
    assert "50%" in text  # four stars of two ratings
    assert "Feedback per day" in text and "Satisfaction per day" in text
    assert "tone" in text
    assert "95 %: 9.5% to 90.5%, n = 2; nothing to compare" in text


def test_an_expert_may_not_and_a_stranger_signs_in(sign_in: Any, client: Any, organization: Organization) -> None:
    assert sign_in("expert").get(PAGE).status_code == 403
    assert client.get(PAGE).status_code == 302


def test_a_script_tag_is_text(sign_in: Any, organization: Organization) -> None:
    say(
        organization,
        feedback_text=SCRIPT,
        correction_text=SCRIPT,
        user=SCRIPT,
        issue_categories=[SCRIPT],
        name=SCRIPT,
    )
    text = text_of(sign_in("manager"))
    assert text.count("&lt;script&gt;alert(") >= 4  # words, correction, category in both places, and the agent
    assert "<script>alert(" not in text


def test_the_days_before_stand_beside(sign_in: Any, organization: Organization) -> None:
    first = say(organization, feedback_type="thumbs_up")
    with organization_scope(organization.id):
        AgentFeedback.objects.update(created_at=timezone.now() - timedelta(days=10))
    say(organization, first.agent, feedback_type="thumbs_down")
    text = text_of(sign_in("manager"), PAGE + "?days=7")
    assert "-100.0 points" in text
    assert "1 in the days before" in text


def test_words_come_by_pages_the_newest_first(sign_in: Any, organization: Organization) -> None:
    first = say(organization, feedback_text="word 0")
    for number in range(1, 45):
        say(organization, first.agent, feedback_text=f"word {number}.")
    manager, address, seen = sign_in("manager"), PAGE, []
    for _ in range(3):
        answer = manager.get(address)
        seen += [row.feedback_text for row in answer.context["comments"]]
        address = PAGE + answer.context["next_url"]
    assert answer.context["next_url"] == ""
    assert seen == [*(f"word {number}." for number in range(44, 0, -1)), "word 0"]
    assert answer.context["newest_url"]


def test_words_may_be_of_one_agent_and_type(sign_in: Any, organization: Organization) -> None:
    one = say(organization, feedback_text="of one")
    say(organization, feedback_text="of another", name="Another")
    say(organization, one.agent, feedback_type="correction", correction_text="say this")
    say(organization, one.agent, feedback_type="thumbs_up")  # no words
    manager = sign_in("manager")
    shown = manager.get(f"{PAGE}?agent={one.agent.pk}").context["comments"]
    assert [row.feedback_text or row.correction_text for row in shown] == ["say this", "of one"]
    shown = manager.get(f"{PAGE}?kind=correction").context["comments"]
    assert [row.correction_text for row in shown] == ["say this"]


@pytest.mark.parametrize("query", ["agent=x", "days=4000", "days=%00", "kind=made_up", "before=1", "agent=%00"])
def test_a_value_that_makes_no_sense_is_left_out(sign_in: Any, organization: Organization, query: str) -> None:
    say(organization, feedback_text="here")
    assert "here" in text_of(sign_in("manager"), f"{PAGE}?{query}")


def test_another_organizations_words_are_not_shown(
    sign_in: Any, organization: Organization, other_organization: Organization
) -> None:
    foreign = say(other_organization, feedback_text="secret")
    text = text_of(sign_in("manager"), f"{PAGE}?agent={foreign.agent.pk}")
    assert "secret" not in text


def test_words_without_consent_say_that_they_are_not_learned_from(sign_in: Any, organization: Organization) -> None:
    said = say(organization, feedback_text="Keep this to yourselves.", consent=False)
    manager = sign_in("manager")
    assert text_of(manager).count("not to be learned from") == 1
    with organization_scope(organization.id):
        AgentFeedback.objects.filter(pk=said.pk).update(consent=True)
    assert "not to be learned from" not in text_of(manager)
