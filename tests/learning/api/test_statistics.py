"""What feedback amounts to, as clients read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning.models import AgentFeedback
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.api.test_executions import errors

FEEDBACK = "/api/learning/feedback"
SENT = [
    {"feedback_type": "thumbs_up"},
    {"feedback_type": "thumbs_up", "accuracy": 5},
    {"feedback_type": "thumbs_down", "issue_categories": ["incorrect", "tone"], "rating": 5},
    {"feedback_type": "star_rating", "rating": 4},
    {"feedback_type": "star_rating", "rating": 3, "issue_categories": ["incorrect"]},
    {"feedback_type": "correction", "correction_text": "x"},
    {"feedback_type": "report_issue", "issue_categories": ["incorrect"], "accuracy": 2},
]


@pytest.fixture
def sent(api: Any) -> None:
    for item in SENT:
        assert api.post(FEEDBACK, item | {"agent_id": "a"}, format="json").status_code == 201
    api.post(FEEDBACK, {"agent_id": "b", "feedback_type": "star_rating", "rating": 1}, format="json")


@pytest.mark.parametrize("address", ["/stats?agent_id=a", "/stats/a", "/stats/a?days=1"])
def test_the_statistics_of_an_agent(api: Any, sent: None, address: str) -> None:
    answer = api.get(FEEDBACK + address).json()
    assert answer["agent_id"] == "a"
    assert answer["total_feedback"] == 7
    assert answer["avg_rating"] == 4.0
    assert (answer["thumbs_up_count"], answer["thumbs_down_count"]) == (2, 1)
    assert answer["feedback_by_type"] == {
        "thumbs_up": 2, "thumbs_down": 1, "star_rating": 2, "detailed_feedback": 0, "correction": 1, "report_issue": 1,
    }  # fmt: skip
    # Two thumbs up and four stars are positive; a thumb down and three stars are not, whatever else came with them.
    assert (answer["rated_count"], answer["satisfaction_rate"]) == (5, 0.6)
    assert answer["satisfaction_interval"]["low"] == pytest.approx(0.2307, abs=1e-3)
    assert answer["satisfaction_interval"]["high"] == pytest.approx(0.8824, abs=1e-3)
    assert answer["dimensions"] == {"accuracy": 3.5, "helpfulness": None, "clarity": None, "completeness": None}


def test_without_an_agent_the_statistics_are_of_all(api: Any, sent: None) -> None:
    answer = api.get(f"{FEEDBACK}/stats").json()
    assert (answer["agent_id"], answer["total_feedback"]) == (None, 8)


def test_what_nobody_said_is_null_and_not_zero(api: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
    answer = api.get(f"{FEEDBACK}/stats/{agent.pk}").json()
    assert answer["total_feedback"] == 0
    assert answer["avg_rating"] is answer["satisfaction_rate"] is answer["satisfaction_interval"] is None


def test_older_feedback_is_left_out(api: Any, sent: None, organization: Organization) -> None:
    with organization_scope(organization.id):
        AgentFeedback.objects.filter(feedback_type="thumbs_up").update(created_at=timezone.now() - timedelta(days=10))
    assert api.get(f"{FEEDBACK}/stats/a?days=9").json()["thumbs_up_count"] == 0
    assert api.get(f"{FEEDBACK}/stats/a?days=11").json()["thumbs_up_count"] == 2


def test_issues_come_the_most_frequent_first(api: Any, sent: None) -> None:
    answer = api.get(f"{FEEDBACK}/issues/a").json()
    assert answer["issues"] == [
        {"category": "incorrect", "count": 3, "avg_rating": 4.0},
        {"category": "tone", "count": 1, "avg_rating": 5.0},
    ]
    assert api.get(f"{FEEDBACK}/issues?agent_id=b").json()["issues"] == []


def test_an_issue_without_stars_has_no_average(api: Any) -> None:
    api.post(
        FEEDBACK, {"agent_id": "a", "feedback_type": "report_issue", "issue_categories": ["unsafe"]}, format="json"
    )
    assert api.get(f"{FEEDBACK}/issues/a").json()["issues"] == [{"category": "unsafe", "count": 1, "avg_rating": None}]


def test_each_day_has_a_bucket(api: Any, sent: None, organization: Organization) -> None:
    with organization_scope(organization.id):
        AgentFeedback.objects.filter(feedback_type="thumbs_up").update(created_at=timezone.now() - timedelta(days=2))
    answer = api.get(f"{FEEDBACK}/analytics?agent_id=a&days=3").json()
    today = timezone.now().date()
    assert [bucket["date"] for bucket in answer["buckets"]] == [str(today - timedelta(days=n)) for n in (2, 1, 0)]
    assert [bucket["total_feedback"] for bucket in answer["buckets"]] == [2, 0, 5]
    assert [bucket["satisfaction_rate"] for bucket in answer["buckets"]] == [1.0, None, pytest.approx(1 / 3)]
    assert answer["buckets"][2]["corrections"] == 1
    assert answer["buckets"][1]["avg_rating"] is None


@pytest.mark.parametrize("path", ["stats", "issues", "analytics"])
@pytest.mark.parametrize(("query", "field"), [("days=0", "days"), ("days=x", "days"), ("agent_id=a%00", "agent_id")])
def test_a_bad_parameter_is_refused_by_its_name(api: Any, path: str, query: str, field: str) -> None:
    answer = api.get(f"{FEEDBACK}/{path}?{query}")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]


@pytest.mark.parametrize("path", ["stats?agent_id=a", "stats/a", "issues/a", "analytics?agent_id=a"])
def test_another_organizations_agent_does_not_exist(api: Any, other_api: Any, sent: None, path: str) -> None:
    assert other_api.get(f"{FEEDBACK}/{path}").status_code == 404
    assert other_api.get(f"{FEEDBACK}/stats").json()["total_feedback"] == 0


@pytest.mark.parametrize("path", ["stats", "stats/a", "issues", "issues/a", "analytics"])
def test_a_publishable_key_reads_nothing(api: Any, sent: None, organization: Organization, path: str) -> None:
    page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE))
    assert page.get(f"{FEEDBACK}/{path}").status_code == 403
