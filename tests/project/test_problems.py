"""Every error that a program gets is a problem document."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from learning.models import Agent
from organizations.models import Organization
from organizations.scope import organization_scope


def test_an_address_that_nothing_answers_is_a_problem_for_programs_and_a_page_for_people(client: Any, db: None) -> None:
    answer = client.get("/api/learning/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "There is nothing at /api/learning/nothing."
    answer = client.get("/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_defect_of_ours_is_a_problem_without_its_inner_life(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("learning.api.feedback.submit_feedback", fail)
    api.raise_request_exception = False
    answer = api.post("/api/learning/feedback", {"agent_id": "a", "feedback_type": "thumbs_up"}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("way", [{}, {"HTTP_ACCEPT": "application/problem+json, */*"}], ids=["quick lane", "view"])
@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (LockNotAvailable("canceling statement due to lock timeout"), "busy: another request holds what"),
        (DeadlockDetected("deadlock detected"), "busy: another request holds what"),
        (QueryCanceled("canceling statement due to statement timeout"), "busy: this took longer than it may"),
        (psycopg.OperationalError("connection refused"), "not reachable at the moment"),
    ],
    ids=["lock", "deadlock", "statement", "away"],
)
def test_a_program_is_told_whether_the_database_is_busy_or_away(
    api: Any, monkeypatch: pytest.MonkeyPatch, cause: Exception, told: str, way: dict[str, str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError(str(cause)) from cause

    monkeypatch.setattr("learning.services.feedback.insert_rows", fail)
    values = {"agent_id": "a", "feedback_type": "thumbs_up"}
    answer = api.post("/api/learning/feedback", values, format="json", **way)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) > 0
    assert told in answer.json()["detail"] and "with an idempotency key it is stored once" in answer.json()["detail"]


def test_while_the_database_fails_a_request_is_told_to_come_back_and_leaves_nothing(
    api: Any, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr("learning.services.feedback.insert_rows", fail)
    answer = api.post("/api/learning/feedback", {"agent_id": "a", "feedback_type": "thumbs_up"}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) > 0
    assert "deadlock" not in answer.content.decode()
    with organization_scope(organization.id):
        assert Agent.objects.count() == 0, "the agent that the request registered is gone with it"
