"""What a step at the desk asks of the database, and that looking changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import AnnotationQueue, Slot
from annotation.tasks import fill_queues
from learning.models import Agent
from organizations.models import Organization
from tests import factories
from tests.annotation.test_api import ANNOTATIONS, NEXT, QUEUE, post
from tests.annotation.test_pages import DESK, hidden

# Whose request it is, in which organization and in how many transactions costs 13 statements on a page and 7 in the
# API; the tests' clients add 2.
DECISION_AND_NEXT_ON_THE_PAGE = 42
NEXT_BY_API, DECISION_BY_API = 15, 27
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE)\b|\b(INSERT INTO|DELETE FROM)\b|\bUPDATE (?!OF\b)\"?[a-z]")


def asked_by(step: Any) -> tuple[Any, list[str]]:
    """The answer to a request, and the statements that it took."""
    with CaptureQueriesContext(connection) as asked:
        answer = step()
    return answer, [query["sql"] for query in asked]


def test_a_decision_and_the_next_item_are_one_request_of_few_statements(agent: Agent, sign_in: Any) -> None:
    for _ in range(3):
        factories.make_example(agent)
    expert = sign_in("expert")
    page = expert.get(DESK)
    for _ in range(2):  # once for a person who comes for the first time, once for everyday work
        body = hidden(page) | {"action": "approve", "corrected_output": "positive"}
        page, statements = asked_by(lambda body=body: expert.post(DESK, body, headers={"HX-Request": "true"}))
        assert page.status_code == 200 and 'data-testid="annotation-submitted"' in page.content.decode()
        assert len(statements) == DECISION_AND_NEXT_ON_THE_PAGE, "\n".join(statements)


def test_by_api_a_claim_and_a_decision_take_few_statements(agent: Agent, api: Any, scope: Organization) -> None:
    person = {"expert": factories.make_user(scope, "expert").username}
    for _ in range(3):
        factories.make_example(agent)
    post(api, NEXT, person)
    item, statements = asked_by(lambda: post(api, NEXT, person))
    assert item.status_code == 200 and len(statements) == NEXT_BY_API, "\n".join(statements)
    claim = {"slot": item.json()["item"]["slot"], "lease_token": item.json()["lease_token"]}
    done, statements = asked_by(lambda: post(api, ANNOTATIONS, person | claim | {"decision": "approve"}))
    assert done.status_code == 201 and len(statements) == DECISION_BY_API, "\n".join(statements)


@pytest.mark.parametrize(
    "address",
    [
        QUEUE, f"{QUEUE}?status=done", ANNOTATIONS, f"{ANNOTATIONS}/queues", f"{ANNOTATIONS}/agreement",
        f"{ANNOTATIONS}/plan?minutes=60", f"{ANNOTATIONS}/progress", f"{ANNOTATIONS}/experts", f"{ANNOTATIONS}/flags",
        f"{ANNOTATIONS}/rubrics", f"{DESK}queues/", f"{DESK}plan/", f"{DESK}agreement/", f"{DESK}adjudication/",
        f"{DESK}flags/", f"{DESK}rubrics/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("new", [True, False])
def test_looking_writes_nothing(agent: Agent, sign_in: Any, address: str, new: bool) -> None:
    """Neither for an organization that has worked nor for a new one. The desk itself gives an item: it claims."""
    manager = sign_in("manager")
    factories.make_example(agent)
    if not new:
        fill_queues()
        factories.make_example(agent)
    answer, statements = asked_by(lambda: manager.get(address))
    assert answer.status_code == 200
    assert [statement for statement in statements if WRITES.search(statement)] == []


def test_new_examples_wait_in_the_queue_without_anybody_asking(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    fill_queues()
    factories.make_example(agent)
    expert = sign_in("expert")
    assert expert.get(QUEUE).json()["total"] == 1  # the second is not there before the next sweep, or a claim
    fill_queues()
    assert expert.get(QUEUE).json()["total"] == 2


def test_no_queue_is_made_where_nothing_waits(scope: Organization) -> None:
    fill_queues()
    assert not AnnotationQueue.objects.exists() and not Slot.objects.exists()
