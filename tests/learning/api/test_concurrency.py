"""The intake with real commits from many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from learning.intake_tasks import join_missed_feedback
from learning.models import Agent, AgentFeedback, Execution, LearningExample
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
CORRECTION = {
    "agent_id": "a",
    "execution_id": "e",
    "feedback_type": "correction",
    "correction_text": "better",
    "id": "k",
}


@pytest.fixture
def tenant() -> tuple[Organization, str]:
    organization = factories.make_organization()
    return organization, factories.make_key(organization)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls in threads that start together; their results."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def poster(key: str, path: str, body: Any) -> Callable[[], Any]:
    return lambda: api_with(key).post(f"/api/learning/{path}", body, format="json")


def test_the_same_feedback_sent_by_many_at_once_is_stored_once(tenant: tuple[Organization, str]) -> None:
    organization, key = tenant
    for round_ in range(5):
        body = CORRECTION | {"id": f"k{round_}"}
        answers = at_once([poster(key, "feedback", body)] * THREADS)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["feedback_id"] for answer in answers}) == 1
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == LearningExample.objects.count() == 5
        assert Agent.objects.count() == 1
        assert AuditEvent.objects.filter(action="agent.registered").count() == 1


def test_of_different_bodies_under_one_key_one_wins_and_the_others_conflict(tenant: tuple[Organization, str]) -> None:
    organization, key = tenant
    calls = [poster(key, "feedback", CORRECTION | {"correction_text": f"better {number}"}) for number in range(THREADS)]
    assert sorted(answer.status_code for answer in at_once(calls)) == [201] + [409] * (THREADS - 1)
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == LearningExample.objects.count() == 1


def test_the_same_execution_sent_by_many_at_once_is_stored_once(tenant: tuple[Organization, str]) -> None:
    organization, key = tenant
    body = {"agent_id": "a", "execution_id": "e", "input": "x", "decisions": [{"decision_point": "p"}]}
    answers = at_once([poster(key, "executions", body)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    with organization_scope(organization.id):
        assert Execution.objects.get().decisions.count() == 1


@pytest.mark.parametrize("path", ["executions/batch", "feedback/batch"])
def test_batches_with_the_same_items_in_any_order_do_not_deadlock(tenant: tuple[Organization, str], path: str) -> None:
    organization, key = tenant
    more = {"feedback_type": "thumbs_up"} if path.startswith("feedback") else {}
    names = [f"e{number}" for number in range(200)]
    items = [{"agent_id": f"a{name[-1]}", "execution_id": name} | more for name in names]
    if more:
        items = [item | {"id": item["execution_id"]} for item in items]
    answers = at_once([poster(key, path, {"items": order}) for order in [items, items[::-1]] * (THREADS // 2)])
    assert [answer.status_code for answer in answers] == [200] * THREADS
    ids = [{result["index"]: result["id"] for result in answer.json()["results"]} for answer in answers]
    assert len(set().union(*(answer.values() for answer in ids))) == 200
    assert ids[0][0] == ids[1][199]
    with organization_scope(organization.id):
        assert (AgentFeedback if more else Execution).objects.count() == 200


def test_feedback_that_comes_with_its_execution_is_joined_at_once_or_by_the_sweep(
    tenant: tuple[Organization, str],
) -> None:
    organization, key = tenant
    for number in range(10):
        name = {"agent_id": "a", "execution_id": f"e{number}"}
        said = name | {"feedback_type": "correction", "correction_text": "better"}
        answers = at_once([poster(key, "executions", name | {"input": "x"}), poster(key, "feedback", said)])
        assert [answer.status_code for answer in answers] == [201, 201]
    join_missed_feedback()
    with organization_scope(organization.id):
        assert AgentFeedback.objects.filter(execution__isnull=False).count() == 10
        assert LearningExample.objects.filter(input_text="x").count() == 10


def test_the_sweep_joins_what_the_intake_missed(tenant: tuple[Organization, str]) -> None:
    organization, key = tenant
    poster(key, "executions", {"agent_id": "a", "execution_id": "e", "input": "x", "output": "y"})()
    poster(key, "feedback", CORRECTION)()
    with organization_scope(organization.id):
        AgentFeedback.objects.update(execution=None)
        LearningExample.objects.update(source_execution=None, input_text="", original_output="written by an expert")
    assert join_missed_feedback() == 1
    assert join_missed_feedback() == 0
    with organization_scope(organization.id):
        example = LearningExample.objects.get()
        assert example.input_text == "x"
        assert example.original_output == "written by an expert", "what somebody wrote meanwhile stays"
        assert AgentFeedback.objects.get().execution == Execution.objects.get()
