"""Every error that a program gets is a problem document."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

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
