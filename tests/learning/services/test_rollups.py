"""The fast answer equals the rows: on many rows, after changes of every kind, and while others write."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from learning.models import Agent, AgentFeedback, FeedbackRollup, FeedbackRollupMark, FeedbackRollupProgress
from learning.rollup_tasks import sum_up_all_feedback
from learning.services import rollups, settling
from learning.services.feedback_sums import add_up
from learning.services.reading_plan import Span
from learning.services.rollup_check import find_wrong_sums
from learning.services.rollup_sql import FEEDBACK, ISSUES
from organizations.models import Organization
from organizations.scope import organization_scope
from project import slow_statistics
from tests import factories
from tests.clients_in_process import outside_scope

NOW = datetime(2026, 11, 15, 13, 47, 12, tzinfo=UTC)
LONG = Span(NOW - timedelta(days=40), NOW)


def sum_up_all(most: int = 1000) -> None:
    for _ in range(most):
        if not rollups.sum_up_feedback():
            return
    raise AssertionError("it never comes to an end")


def assert_equal(span: Span, agent_id: UUID | None, bucket: str = "") -> None:
    """What the sums say is what the rows say."""
    fast = {row.pop("bucket"): row for row in add_up(shape=FEEDBACK, span=span, agent_id=agent_id, bucket=bucket)}
    assert {key: row for key, row in fast.items() if row["total"]} == slow_statistics.count_rows(
        span=span, agent_id=agent_id, bucket=bucket
    )
    issues = {row.pop("category"): row for row in add_up(shape=ISSUES, span=span, agent_id=agent_id)}
    for row in issues.values():
        del row["bucket"]
    found = {key: row for key, row in issues.items() if row["total"]}
    assert found == slow_statistics.count_issues(span=span, agent_id=agent_id)


def assert_sums_are_sums() -> None:
    """Each day is the sum of its hours, and all hours together are the rows before the watermark."""
    watermark = FeedbackRollupProgress.objects.get().summed_until
    assert watermark is not None
    for grain in ("hour", "day"):
        total = sum(FeedbackRollup.objects.filter(grain=grain).values_list("total", flat=True))
        assert total == AgentFeedback.objects.filter(created_at__lt=watermark).count()


@pytest.fixture(autouse=True)
def alone_on_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run beside these, in databases of their own, hold transactions open too; they are not waited for.

    Waiting is tested with real commits in test_rollups_at_once.py.
    """
    monkeypatch.setattr(settling, "HORIZON", "SELECT pg_current_xact_id()::text::bigint")


@pytest.fixture
def agents(scope: Organization) -> list[UUID]:
    return [factories.make_agent().pk for _ in range(3)]


@pytest.fixture
def summed(agents: list[UUID]) -> list[UUID]:
    """Forty days of feedback, summed up."""
    slow_statistics.make_feedback(agents=agents, span=LONG, count=600)
    sum_up_all()
    return agents


@pytest.mark.slow
def test_on_100_000_rows_the_fast_answer_equals_the_rows(agents: list[UUID]) -> None:
    chance = random.Random(20261121)
    slow_statistics.make_feedback(agents=agents, span=LONG, count=100_000)
    sum_up_all()
    assert FeedbackRollup.objects.filter(grain="hour").count() > 2000
    for step in range(40):
        start = LONG.start + chance.random() * timedelta(days=40)
        length = chance.choice([timedelta(minutes=50), timedelta(hours=30), timedelta(days=9), timedelta(days=39)])
        span = Span(start, start + chance.random() * length + timedelta(seconds=1))
        assert_equal(span, chance.choice([None, *agents]), chance.choice(["", "hour", "day", "week", "month"]))
        if step % 4 == 0:  # what changed is read by row; some of it is summed again below
            some = AgentFeedback.objects.filter(created_at__gte=start)[: chance.randrange(300)].values("pk")
            AgentFeedback.objects.filter(pk__in=some).delete()
        if step % 12 == 0:
            rollups.sum_up_feedback()
    assert_equal(LONG, None, "day")
    sum_up_all()
    assert not FeedbackRollupMark.objects.exists()
    assert_equal(LONG, None, "day")
    assert_sums_are_sums()


def test_the_sums_are_used_and_not_only_the_rows(summed: list[UUID]) -> None:
    """With the sums wrong on purpose the answer is wrong, so the tests above look at the sums."""
    FeedbackRollup.objects.filter(grain="day").update(total=0)
    assert add_up(shape=FEEDBACK, span=LONG)[0]["total"] < 60


@pytest.mark.parametrize("again", [False, True], ids=["marked", "summed again"])
@pytest.mark.parametrize(
    "change",
    [
        lambda rows, agents: rows.filter(feedback_type="correction").delete(),
        lambda rows, agents: rows.delete(),
        lambda rows, agents: rows.update(rating=1),
        lambda rows, agents: rows.update(accuracy=5, clarity=2),
        lambda rows, agents: rows.update(feedback_type="thumbs_up"),
        lambda rows, agents: rows.update(issue_categories=["made_up"]),
        lambda rows, agents: rows.update(agent=agents[0]),
        lambda rows, agents: rows.update(created_at=LONG.start + timedelta(days=3)),
        lambda rows, agents: rows.update(created_at=NOW + timedelta(hours=1)),
    ],
    ids=["some deleted", "all deleted", "rating", "dimensions", "type", "issues", "agent", "time", "time after"],
)
def test_what_changes_after_it_was_summed_counts_at_once(
    summed: list[UUID], change: Callable[[Any, Any], None], again: bool
) -> None:
    rows = AgentFeedback.objects.filter(created_at__range=(NOW - timedelta(days=20), NOW - timedelta(days=19, hours=7)))
    assert rows.exists()
    change(rows, summed)
    if again:
        sum_up_all()
        assert_sums_are_sums()
    for agent_id, bucket in ((None, ""), (None, "hour"), (summed[0], "day")):
        assert_equal(LONG, agent_id, bucket)


def test_feedback_that_is_stored_late_counts_at_once_and_is_summed_later(summed: list[UUID]) -> None:
    slow_statistics.make_feedback(agents=summed, span=LONG, count=300, first=5000)
    assert FeedbackRollupMark.objects.exists()
    assert_equal(LONG, None)
    assert_equal(LONG, None, "day")
    sum_up_all()
    assert not FeedbackRollupMark.objects.exists()
    assert_equal(LONG, None)
    assert_sums_are_sums()


def test_joining_an_execution_leaves_the_sums_alone(summed: list[UUID]) -> None:
    AgentFeedback.objects.update(execution_external_id="exec-1", updated_at=timezone.now())
    assert not FeedbackRollupMark.objects.exists()


def test_feedback_as_it_comes_leaves_no_mark(agents: list[UUID]) -> None:
    AgentFeedback.objects.create(agent_id=agents[0], feedback_type="thumbs_up")
    assert not FeedbackRollupMark.objects.exists()


def test_the_newest_minute_is_read_by_row(agents: list[UUID]) -> None:
    AgentFeedback.objects.create(agent_id=agents[0], feedback_type="thumbs_up")
    sum_up_all()
    assert not FeedbackRollup.objects.exists()
    assert_equal(Span(timezone.now() - timedelta(days=2), timezone.now() + timedelta(days=1)), None)


def test_the_trigger_and_the_job_agree_on_what_is_late(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'feedback_stored_late'")
        assert "'00:01:00'::interval" in cursor.fetchone()[0]
    assert timedelta(minutes=1) <= settling.SETTLED


def test_a_rebuild_forgets_the_sums_and_the_answer_stays(summed: list[UUID]) -> None:
    FeedbackRollup.objects.update(total=7)
    rollups.rebuild_rollups()
    assert not FeedbackRollup.objects.exists()
    assert_equal(LONG, None)
    sum_up_all()
    assert FeedbackRollup.objects.exists()
    assert_equal(LONG, None)


def test_the_check_finds_a_wrong_sum_and_nothing_else(summed: list[UUID]) -> None:
    assert find_wrong_sums() == []
    hour = FeedbackRollup.objects.filter(grain="hour").order_by("start")[7]
    FeedbackRollup.objects.filter(pk=hour.pk).update(positive=hour.positive + 1)
    day = hour.start.replace(hour=0)
    assert set(find_wrong_sums()) == {(hour.agent_id, hour.start), (hour.agent_id, day)}


def test_beat_sums_up_every_organization(organization: Organization, other_organization: Organization) -> None:
    for each in (organization, other_organization):
        with organization_scope(each.id):
            slow_statistics.make_feedback(agents=[factories.make_agent().pk], span=LONG, count=50, seed=each.slug)
    sum_up_all_feedback()
    for each in (organization, other_organization):
        with organization_scope(each.id):
            assert sum(FeedbackRollup.objects.filter(grain="day").values_list("total", flat=True)) == 50


def test_the_command_makes_wrong_sums_right(organization: Organization) -> None:
    with organization_scope(organization.id):
        slow_statistics.make_feedback(agents=[factories.make_agent().pk], span=LONG, count=50)
    sum_up_all_feedback()
    with organization_scope(organization.id):
        FeedbackRollup.objects.update(rated=99)
    with pytest.raises(CommandError, match="sums differ"):
        call_command("rebuild_rollups", "--check", stdout=StringIO())
    call_command("rebuild_rollups", stdout=StringIO())
    with organization_scope(organization.id):
        assert find_wrong_sums() == []
        assert_equal(LONG, None, "day")


def test_the_sums_of_a_deleted_agent_go_with_it(summed: list[UUID]) -> None:
    Agent.objects.get(pk=summed[0]).delete()
    assert_equal(LONG, None)
    sum_up_all()
    assert_equal(LONG, None)
    assert_sums_are_sums()


def test_another_organizations_feedback_is_not_in_the_sums(
    summed: list[UUID], other_organization: Organization
) -> None:
    with outside_scope(), organization_scope(other_organization.id):
        assert add_up(shape=FEEDBACK, span=LONG) in ([], [{"bucket": None, **dict.fromkeys(FEEDBACK.numbers, 0)}])
        sum_up_all()
        assert not FeedbackRollup.objects.exists()


def test_a_number_from_another_server_is_not_waited_for(scope: Organization, agents: list[UUID]) -> None:
    slow_statistics.make_feedback(agents=agents, span=LONG, count=10)
    FeedbackRollupProgress.objects.create(pending_until=NOW, pending_transaction=2**60)
    sum_up_all()
    assert_sums_are_sums()
