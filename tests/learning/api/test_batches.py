"""Many executions, or much feedback, in one request."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.models import AgentFeedback, Execution, LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.learning.api.test_executions import errors

EXECUTIONS = "/api/learning/executions/batch"
FEEDBACK = "/api/learning/feedback/batch"


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    assert all(("id" in result) == (result["status"] == 201) != ("errors" in result) for result in results)
    return [result["status"] for result in results]


def test_each_execution_is_taken_or_refused_on_its_own(api: Any, organization: Organization) -> None:
    api.post("/api/learning/executions", {"agent_id": "a", "execution_id": "old"}, format="json")
    items = [
        {"agent_id": "a", "execution_id": "e1", "decisions": [{"decision_point": "x"}]},
        {"agent_id": "a", "confidence": 7},
        {"agent_id": "a", "execution_id": "e1", "input": "other"},
        {"agent_id": "b", "execution_id": "e1"},
        "text",
        {"agent_id": "a", "execution_id": "old"},
        {"agent_id": "a", "execution_id": "old", "output": "other"},
    ]
    answer = api.post(EXECUTIONS, {"items": items}, format="json")
    assert statuses(answer) == [201, 400, 409, 201, 400, 201, 409]
    assert [error["field"] for error in answer.json()["results"][1]["errors"]] == ["confidence"]
    with organization_scope(organization.id):
        stored = Execution.objects.order_by("agent__external_id", "external_id")
        assert [(row.agent.external_id, row.external_id) for row in stored] == [("a", "e1"), ("a", "old"), ("b", "e1")]


def test_the_same_batch_twice_gives_the_same_answer(api: Any, organization: Organization) -> None:
    items = [{"agent_id": "a", "execution_id": f"e{number}"} for number in range(20)]
    first, second = (api.post(EXECUTIONS, {"items": items}, format="json") for _ in range(2))
    assert first.json() == second.json()
    items = [{"agent_id": "a", "execution_id": f"e{number}", "feedback_type": "thumbs_up"} for number in range(20)]
    first, second = (
        api.post(FEEDBACK, {"items": items}, format="json", headers={"Idempotency-Key": "night"}) for _ in range(2)
    )
    assert first.json() == second.json()
    with organization_scope(organization.id):
        assert (Execution.objects.count(), AgentFeedback.objects.count()) == (20, 20)


def test_each_piece_of_feedback_is_taken_or_refused_on_its_own(api: Any, organization: Organization) -> None:
    api.post(EXECUTIONS, {"items": [{"agent_id": "a", "execution_id": "e1", "input": "in"}]}, format="json")
    items = [
        {"execution_id": "e1", "feedback_type": "correction", "correction_text": "better", "id": "k1"},
        {"execution_id": "e1", "feedback_type": "star_rating", "rating": 9},
        {"execution_id": "e1", "feedback_type": "star_rating"},
        {"execution_id": "unknown", "feedback_type": "thumbs_up"},
        {"execution_id": "e1", "feedback_type": "correction", "correction_text": "better", "id": "k1"},
        {"execution_id": "e1", "feedback_type": "correction", "correction_text": "worse", "id": "k1"},
        {"agent_id": "new", "feedback_type": "thumbs_down"},
    ]
    answer = api.post(FEEDBACK, {"items": items}, format="json")
    assert statuses(answer) == [201, 400, 400, 400, 201, 409, 201]
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == 2
        assert LearningExample.objects.get().input_text == "in"


@pytest.mark.parametrize("address", [EXECUTIONS, FEEDBACK])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": {}}, "items"),
        ({"items": [{}] * 1001}, "items"),
        ({"items": [{}], "other": 1}, "other"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(api: Any, address: str, body: Any, field: str) -> None:
    answer = api.post(address, body, format="json")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]


def test_a_thousand_items_take_as_few_statements_as_ten(api: Any) -> None:
    counts = []
    for size in (10, 1000):
        runs = [{"agent_id": "a", "execution_id": f"{size}-{number}", "input": "x"} for number in range(size)]
        said = [run | {"feedback_type": "correction", "correction_text": "y"} for run in runs]
        said = [{name: value for name, value in item.items() if name != "input"} for item in said]
        with CaptureQueriesContext(connection) as queries:
            assert set(statuses(api.post(EXECUTIONS, {"items": runs}, format="json"))) == {201}
            assert set(statuses(api.post(FEEDBACK, {"items": said}, format="json"))) == {201}
        counts.append(len(queries))
    assert counts[1] <= counts[0], "statements must not grow with the items"


def test_a_batch_with_more_decisions_than_a_request_can_work_through_is_refused(api: Any) -> None:
    items = [{"agent_id": "bot", "decisions": [{"decision_point": "route"}] * 200}] * 51
    answer = api.post("/api/learning/executions/batch", {"items": items}, format="json")
    assert answer.status_code == 400
    assert "These are 10,200 decisions" in answer.json()["detail"]
