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
        {"category": "incorrect", "count": 3, "avg_rating": 4.0, "previous_count": 0},
        {"category": "tone", "count": 1, "avg_rating": 5.0, "previous_count": 0},
    ]
    assert api.get(f"{FEEDBACK}/issues?agent_id=b").json()["issues"] == []


def test_an_issue_without_stars_has_no_average(api: Any) -> None:
    api.post(
        FEEDBACK, {"agent_id": "a", "feedback_type": "report_issue", "issue_categories": ["unsafe"]}, format="json"
    )
    found = api.get(f"{FEEDBACK}/issues/a").json()["issues"]
    assert found == [{"category": "unsafe", "count": 1, "avg_rating": None, "previous_count": 0}]


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


def test_the_span_before_is_told_with_what_changed(api: Any, sent: None, organization: Organization) -> None:
    with organization_scope(organization.id):
        good = AgentFeedback.objects.filter(feedback_type="thumbs_up")
        good.update(created_at=timezone.now() - timedelta(days=10), issue_categories=["tone"])
    answer = api.get(f"{FEEDBACK}/stats/a?days=7").json()
    assert answer["total_feedback"] == 5
    assert answer["satisfaction_rate"] == pytest.approx(1 / 3)
    assert answer["previous"]["total_feedback"] == 2
    assert answer["previous"]["satisfaction_rate"] == 1.0
    change = answer["change"]
    assert (change["total_feedback"], change["total_share"]) == (3, 1.5)
    assert change["satisfaction_rate"] == pytest.approx(-2 / 3)
    assert change["satisfaction_interval"]["low"] == pytest.approx(-0.9385, abs=1e-3)
    assert change["satisfaction_interval"]["high"] == pytest.approx(0.1353, abs=1e-3)
    assert change["avg_rating"] is None  # nobody gave stars before
    issues = {issue["category"]: issue for issue in api.get(f"{FEEDBACK}/issues/a?days=7").json()["issues"]}
    assert (issues["tone"]["count"], issues["tone"]["previous_count"]) == (1, 2)


def test_a_change_from_nothing_is_null(api: Any, sent: None) -> None:
    change = api.get(f"{FEEDBACK}/stats/a?days=1").json()["change"]
    assert change["total_feedback"] == 7
    assert change["total_share"] is change["satisfaction_rate"] is change["satisfaction_interval"] is None


def test_a_span_may_be_given_by_its_ends(api: Any, sent: None, organization: Organization) -> None:
    with organization_scope(organization.id):
        AgentFeedback.objects.filter(feedback_type="thumbs_up").update(created_at="2026-03-10T10:00:00Z")
    inside = "from=2026-03-10T10:00:00Z&to=2026-03-10T10:00:01Z"
    answer = api.get(f"{FEEDBACK}/stats/a?{inside}").json()
    assert (answer["thumbs_up_count"], answer["days"]) == (2, None)
    assert (answer["from"], answer["to"]) == ("2026-03-10T10:00:00Z", "2026-03-10T10:00:01Z")
    outside = "from=2026-03-10T09:00:00Z&to=2026-03-10T10:00:00Z"
    assert api.get(f"{FEEDBACK}/stats/a?{outside}").json()["total_feedback"] == 0


@pytest.mark.parametrize(
    ("bucket", "starts", "counts"),
    [
        ("hour", ["2026-03-09T22:00:00Z", "2026-03-09T23:00:00Z", "2026-03-10T00:00:00Z"], [0, 2, 1]),
        ("day", ["2026-03-09T00:00:00Z", "2026-03-10T00:00:00Z"], [2, 1]),
        ("week", ["2026-03-09T00:00:00Z"], [3]),
        ("month", ["2026-03-01T00:00:00Z"], [3]),
    ],
)
def test_buckets_may_be_hours_days_weeks_or_months(
    api: Any, sent: None, organization: Organization, bucket: str, starts: list[str], counts: list[int]
) -> None:
    with organization_scope(organization.id):
        AgentFeedback.objects.filter(feedback_type="thumbs_up").update(created_at="2026-03-09T23:59:59Z")
        AgentFeedback.objects.filter(feedback_type="correction").update(created_at="2026-03-10T00:00:00Z")
    span = "from=2026-03-09T22:30:00Z&to=2026-03-10T00:30:00Z"
    answer = api.get(f"{FEEDBACK}/analytics?agent_id=a&bucket={bucket}&{span}").json()
    assert answer["bucket"] == bucket
    assert [row["start"] for row in answer["buckets"]] == starts
    assert [row["total_feedback"] for row in answer["buckets"]] == counts


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=367", "days"),
        ("bucket=hour&days=32", "days"),
        ("bucket=year", "bucket"),
        ("from=2026-03-01T00:00:00Z&days=3", "days"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z", "from"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
        ("from=1066-10-14T00:00:00Z", "from"),
        ("to=9999-12-31T23:59:59-12:00", "to"),
        ("from=yesterday", "from"),
        ("from=2001-01-01T00:00:00Z", "from"),
        ("from=2024-01-01T00:00:00Z&to=2025-06-01T00:00:00Z", "from"),
    ],
)
def test_a_span_that_cannot_be_is_refused_by_the_parameters_name(api: Any, query: str, field: str) -> None:
    answer = api.get(f"{FEEDBACK}/analytics?{query}")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]


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
