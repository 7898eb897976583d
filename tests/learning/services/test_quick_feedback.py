"""The short way of one piece of feedback stores what the long way stores."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.models import AgentFeedback, LearningExample
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from learning.services.quick_feedback import submit_ordinary_feedback
from organizations.errors import Conflict, Refused
from organizations.models import Organization
from organizations.scope import current_organization_id, organization_scope
from tests import factories
from tests.clients_in_process import outside_scope

RUN = {"agent_id": "a", "execution_id": "e", "input": "in", "output": "out", "context": {"a": [1]}}
EVERYTHING = {
    "feedback_type": "correction", "correction_text": "better", "feedback_text": "why", "rating": 2, "accuracy": 1,
    "helpfulness": 2, "clarity": 3, "completeness": 4, "issue_categories": ["tone", "other"], "user_id": "u",
}  # fmt: skip
ITEMS = [
    {"agent_id": "a", "feedback_type": "thumbs_up"},
    {"agent_id": "a", "execution_id": "e", "feedback_type": "thumbs_down", "consent": False},
    {"execution_id": "e", "feedback_type": "star_rating", "rating": 5},
    {"agent_id": "a", "execution_id": "later"} | EVERYTHING,
    {"agent_id": "a", "execution_id": "e"} | EVERYTHING,
    {"execution_id": "e"} | EVERYTHING,
    {"execution_id": "e", "consent": False} | EVERYTHING,
]
OWN = {"id", "created_at", "updated_at", "source_feedback_id"}


@pytest.fixture
def agent(scope: Organization) -> Any:
    agent = factories.make_agent(external_id="a", domain="parcels")
    log_execution(item=RUN)
    return agent


def ordinary(item: Any) -> Any:
    return submit_ordinary_feedback(organization_id=current_organization_id(), item=item)


def rows(model: Any) -> list[dict[str, Any]]:
    """Every column but those that differ from row to row."""
    return [{name: row[name] for name in row.keys() - OWN} for row in model.objects.values()]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item['feedback_type']}-{len(item)}")
def test_each_column_is_the_same_on_both_ways(agent: Any, item: dict[str, Any]) -> None:
    stored = []
    for submit in (ordinary, lambda item: submit_feedback(item=item)):
        assert submit(item).id == AgentFeedback.objects.get().pk
        stored.append((rows(AgentFeedback), rows(LearningExample)))
        LearningExample.objects.all().delete()
        AgentFeedback.objects.all().delete()
    assert stored[0] == stored[1]


def test_it_is_one_statement_and_needs_no_scope(agent: Any, organization: Organization) -> None:
    with CaptureQueriesContext(connection) as queries:
        ordinary(ITEMS[-2])
    assert len(queries) == 1
    with outside_scope():
        outcome = submit_ordinary_feedback(organization_id=organization.id, item=ITEMS[0])
        assert AgentFeedback.objects.count() == 0, "and leaves none behind"
    assert AgentFeedback.objects.filter(pk=outcome.id).exists()


def test_the_scope_of_the_caller_goes_on(agent: Any) -> None:
    ordinary(ITEMS[0])
    assert AgentFeedback.objects.count() == 1


def test_it_sees_and_writes_the_named_organization_alone(
    agent: Any, organization: Organization, other_organization: Organization
) -> None:
    with outside_scope():
        for item in ITEMS:
            assert submit_ordinary_feedback(organization_id=other_organization.id, item=item) is None
        with organization_scope(other_organization.id):
            assert AgentFeedback.objects.count() == 0


def test_the_same_key_is_answered_alike_and_another_content_is_a_conflict(agent: Any) -> None:
    item = ITEMS[4] | {"idempotency_key": "k"}
    first = ordinary(item)
    assert (ordinary(item).id, ordinary(item).replayed) == (first.id, True)
    assert submit_feedback(item=item).id == first.id, "whichever way it is sent again"
    with pytest.raises(Conflict):
        ordinary(item | {"correction_text": "other"})
    assert LearningExample.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"agent_id": "unknown"},
        {"agent_id": None, "execution_id": "unknown"},
        {"execution_id": "01990000-0000-7000-8000-000000000000"},
        {"agent_id": None, "execution_id": None},
        {"issue_categories": ["an own one"]},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_long_way(agent: Any, change: dict[str, Any]) -> None:
    item = {name: value for name, value in (ITEMS[4] | change).items() if value is not None}
    assert ordinary(item) is None
    assert AgentFeedback.objects.count() == 0


def test_of_a_name_that_two_agents_use_it_is_not_sure(agent: Any) -> None:
    factories.make_agent(external_id="b")
    log_execution(item=RUN | {"agent_id": "b"})
    assert ordinary(ITEMS[2]) is None


def test_the_rules_hold_on_the_short_way_too(agent: Any) -> None:
    with pytest.raises(Refused, match="needs rating"):
        ordinary({"agent_id": "a", "feedback_type": "star_rating"})
