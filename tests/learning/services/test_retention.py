"""What is past its retention goes; what was learned of it and the sums stay, to the last piece of feedback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from learning.models import (
    Agent,
    AgentFeedback,
    Decision,
    Execution,
    FeedbackRollupProgress,
    LearningExample,
    LlmResponse,
)
from learning.retention_tasks import remove_old
from learning.rollup_tasks import catch_up
from learning.services import retention
from learning.services.feedback_sums import add_up
from learning.services.reading_plan import Span
from learning.services.rollup_check import find_wrong_sums
from learning.services.rollup_sql import FEEDBACK, SHAPES
from learning.services.rollups import rebuild_rollups
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.services.test_rollups import alone_on_the_server

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["alone_on_the_server"]  # a fixture
DAYS = 30


@pytest.fixture
def organization(transactional_db: None, settings: Any) -> Organization:
    settings.FEEDBACK_RETENTION_DAYS = DAYS
    return factories.make_organization()


@pytest.fixture
def agent(organization: Organization) -> Agent:
    with organization_scope(organization.pk):
        return factories.make_agent()


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def give(agent: Agent, days: float, **values: Any) -> AgentFeedback:
    with organization_scope(agent.organization_id):
        given = {"feedback_type": "star_rating", "rating": 4, "feedback_text": "words", "digest": "d"} | values
        said = AgentFeedback.objects.create(agent=agent, **given)
        AgentFeedback.objects.filter(pk=said.pk).update(created_at=ago(days))
        return said


def log(agent: Agent, days: float, **values: Any) -> Execution:
    with organization_scope(agent.organization_id):
        key = retention.key_of(ago(days)).int | (uuid7().int & (2**64 - 1))
        made = Execution(id=UUID(int=key), agent=agent, started_at=ago(days), input="in", output="out", **values)
        made.save(force_insert=True)
        return made


def told(organization: Organization) -> Any:
    """What the statistics of the last hundred days say, whole and by day."""
    span = Span(ago(100), timezone.now())
    with organization_scope(organization.pk):
        return [
            sorted(map(str, add_up(shape=shape, span=span, bucket=bucket)))
            for shape in SHAPES
            for bucket in ("", "day")
        ]


def test_old_feedback_goes_and_the_sums_say_the_same(organization: Organization, agent: Agent) -> None:
    for days in (70, 50, 50.01, 31, 29, 3, 0.01):
        give(agent, days, issue_categories=["tone"])
    catch_up(organization.pk)
    before = told(organization)
    assert remove_old(organization.pk) == 4
    with organization_scope(organization.pk):
        assert AgentFeedback.objects.count() == 3
        assert find_wrong_sums() == []
    assert told(organization) == before
    assert remove_old(organization.pk) == 0


def test_nothing_goes_before_it_is_summed_up(organization: Organization, agent: Agent) -> None:
    give(agent, 50)
    assert remove_old(organization.pk) == 0
    with organization_scope(organization.pk):
        assert AgentFeedback.objects.count() == 1


def test_old_feedback_that_is_stored_late_is_counted_once_and_goes_too(
    organization: Organization, agent: Agent
) -> None:
    give(agent, 50)
    catch_up(organization.pk)
    remove_old(organization.pk)
    give(agent, 50)
    catch_up(organization.pk)
    assert remove_old(organization.pk) == 1
    catch_up(organization.pk)
    with organization_scope(organization.pk):
        assert AgentFeedback.objects.count() == 0
        assert statistics_total(organization) == 2


def statistics_total(organization: Organization) -> int:
    return int(add_up(shape=FEEDBACK, span=Span(ago(100), timezone.now()))[0]["total"])


def test_making_the_sums_anew_keeps_those_without_rows(organization: Organization, agent: Agent) -> None:
    for days in (50, 29.99, 3):
        give(agent, days)
    catch_up(organization.pk)
    before = told(organization)
    remove_old(organization.pk)
    with organization_scope(organization.pk):
        rebuild_rollups()
    catch_up(organization.pk)
    assert told(organization) == before


def test_what_an_example_was_made_of_loses_its_texts_and_stays(organization: Organization, agent: Agent) -> None:
    execution = log(agent, 50, user="u1", context={"session_id": "s1", "conversation": ["hello"]})
    said = give(agent, 50, feedback_type="correction", correction_text="right", rating=None, user="u1")
    with organization_scope(organization.pk):
        example = factories.make_example(agent, source_execution=execution, source_feedback=said, input_text="kept")
    catch_up(organization.pk)
    remove_old(organization.pk)
    with organization_scope(organization.pk):
        execution.refresh_from_db()
        said.refresh_from_db()
        assert (execution.input, execution.output, execution.context) == ("", "", {"session_id": "s1"})
        assert (execution.user, said.user) == ("u1", "u1")  # the split of its group must stay what it is
        assert (said.feedback_text, said.correction_text) == ("", "[removed]")
        assert LearningExample.objects.get(pk=example.pk).input_text == "kept"
        assert statistics_total(organization) == 1
    assert remove_old(organization.pk) == 0


def test_old_executions_go_with_what_is_theirs_and_newer_feedback_stays(
    organization: Organization, agent: Agent
) -> None:
    old, new = log(agent, 50), log(agent, 3)
    said = give(agent, 2, execution=old)
    with organization_scope(organization.pk):
        Decision.objects.create(execution=old, decision_point="tool")
        Decision.objects.create(execution=new, decision_point="tool")
    remove_old(organization.pk)
    with organization_scope(organization.pk):
        assert list(Execution.objects.values_list("pk", flat=True)) == [new.pk]
        assert Decision.objects.count() == 1
        assert AgentFeedback.objects.get(pk=said.pk).execution_id is None


def test_zero_days_keep_everything_and_an_organization_may_keep_less(
    organization: Organization, agent: Agent, settings: Any
) -> None:
    settings.FEEDBACK_RETENTION_DAYS = 0
    log(agent, 50)
    assert remove_old(organization.pk) == 0
    with organization_scope(organization.pk):
        retention.set_own_days(days=40)
        assert retention.preview_retention() == {"feedback": 0, "executions": 1, "remembered answers": 0}
    assert remove_old(organization.pk) == 1


def test_another_organization_keeps_its_rows(organization: Organization, agent: Agent) -> None:
    stranger = factories.make_organization()
    with organization_scope(stranger.pk):
        other = factories.make_agent()
    log(other, 50)
    give(other, 50)
    catch_up(organization.pk)
    assert remove_old(organization.pk) == 0
    with organization_scope(stranger.pk):
        assert (Execution.objects.count(), AgentFeedback.objects.count()) == (1, 1)
        assert FeedbackRollupProgress.objects.count() == 0


def test_what_a_model_answered_is_remembered_no_longer_than_what_people_said(
    organization: Organization, agent: Agent, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    with organization_scope(organization.pk):
        for number, days in enumerate((50, 40, 31, 29)):
            key = UUID(int=retention.key_of(ago(days)).int | number)
            LlmResponse.objects.create(id=key, key=f"{days}", model="m", text="Dear Ada, sure.")
        assert retention.preview_retention()["remembered answers"] == 3
    assert remove_old(organization.pk) == 3
    with organization_scope(organization.pk):
        assert list(LlmResponse.objects.values_list("key", flat=True)) == ["29"]
    settings.FEEDBACK_RETENTION_DAYS = 0
    assert remove_old(organization.pk) == 0
