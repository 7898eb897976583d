"""The services of the intake, as commands and imports use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.models import Agent, AgentFeedback, LearningExample
from learning.services.examples import approve_example, learn_from_corrections, reject_example, return_example
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from tests import factories

RUN = {"agent_id": "a", "execution_id": "e", "input": "in", "output": "out"}
CORRECTION = {"agent_id": "a", "execution_id": "e", "feedback_type": "correction", "correction_text": "better"}


@contextmanager
def statements(most: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    sql = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(sql) <= most, "\n".join(sql)


def test_the_hot_path_takes_few_statements(scope: Organization) -> None:
    factories.make_agent(external_id="a")
    with statements(3):  # the agent, the execution with its key, the feedback that waited for it
        execution = log_execution(item=RUN).id
    with statements(3):  # the agent, the execution, the feedback
        submit_feedback(item={"agent_id": "a", "execution_id": "e", "feedback_type": "thumbs_up", "rating": 5})
    with statements(5):  # and a correction reads itself with its texts, and writes its example
        submit_feedback(item=CORRECTION)
    assert set(AgentFeedback.objects.values_list("execution", flat=True)) == {execution}


def test_an_unknown_agent_is_registered_where_that_is_allowed(scope: Organization) -> None:
    with pytest.raises(Refused, match="no agent 'a'"):
        log_execution(item=RUN)
    log_execution(item=RUN, may_register=True)
    assert Agent.objects.get().external_id == "a"


def test_a_conflict_leaves_the_first_and_can_be_caught(scope: Organization) -> None:
    submit_feedback(item=CORRECTION | {"idempotency_key": "k"}, may_register=True)
    with pytest.raises(Conflict):
        submit_feedback(item=CORRECTION | {"idempotency_key": "k", "correction_text": "other"})
    assert LearningExample.objects.get().expected_output == "better"


def test_a_correction_teaches_once(scope: Organization) -> None:
    feedback_id = submit_feedback(item=CORRECTION, may_register=True).id
    assert feedback_id is not None
    with pytest.raises(Exception, match="example_per_feedback"):
        learn_from_corrections(feedback_ids=[feedback_id])


def test_when_the_example_fails_the_caller_can_go_on_without_the_feedback(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr("learning.services.feedback.learn_from_corrections", fail)
    with pytest.raises(RuntimeError):
        submit_feedback(item=CORRECTION, may_register=True)
    assert AgentFeedback.objects.count() == LearningExample.objects.count() == 0


class TestVerdicts:
    def test_an_approved_example_keeps_the_reviewers_wording(self, scope: Organization) -> None:
        example = factories.make_example(factories.make_agent())
        approve_example(example=example, expected_output="best", quality_score=0.9)
        example.refresh_from_db()
        assert (example.review_status, example.expected_output, example.quality_score) == ("approved", "best", 0.9)
        assert AuditEvent.objects.filter(action="learningexample.approved", target_id=str(example.pk)).exists()

    def test_a_verdict_without_a_wording_leaves_the_text(self, scope: Organization) -> None:
        example = factories.make_example(factories.make_agent(), expected_output="as it was")
        for judge, status in ((return_example, "needs_revision"), (reject_example, "rejected")):
            judge(example=example)
            example.refresh_from_db()
            assert (example.review_status, example.expected_output) == (status, "as it was")

    def test_two_verdicts_at_once_do_not_overwrite_each_other(self, scope: Organization) -> None:
        example = factories.make_example(factories.make_agent())
        stale = LearningExample.objects.get(pk=example.pk)
        approve_example(example=example)
        with pytest.raises(Conflict, match="somebody else"):
            reject_example(example=stale)
        with pytest.raises(Conflict, match="cannot become approved"):
            approve_example(example=example)
