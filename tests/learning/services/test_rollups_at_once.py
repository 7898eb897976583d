"""Sums of feedback while others write: each answer equals the rows of its moment."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from learning.models import AgentFeedback, FeedbackRollup, FeedbackRollupProgress
from learning.services import rollups, settling
from learning.services.reading_plan import Span
from organizations.models import Organization
from organizations.scope import organization_scope
from project import slow_statistics
from tests import factories
from tests.database import owner_connection
from tests.learning.services.test_rollups import assert_equal, assert_sums_are_sums, sum_up_all

SECONDS = 8
PATIENCE = 420  # seconds
ENOUGH = 5  # watermarks


@pytest.fixture
def no_delay(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is a minute in life is nothing here, in the job and in the trigger alike."""
    monkeypatch.setattr(settling, "SETTLED", timedelta(milliseconds=50))
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        definition = owner.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'feedback_stored_late'"
        ).fetchone()[0]
        owner.execute("DROP TRIGGER feedback_stored_late ON learning_agentfeedback")
        owner.execute(definition.replace("00:01:00", "00:00:00.05"))
        yield
        owner.execute("DROP TRIGGER feedback_stored_late ON learning_agentfeedback")
        owner.execute(definition)


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_transaction_that_commits_late_is_waited_for(organization: Organization, no_delay: None) -> None:
    """Its row is as old as its beginning, and nobody sees it before its end."""
    with organization_scope(organization.id):
        agent = factories.make_agent()
    stored, end = threading.Event(), threading.Event()

    def write() -> None:
        with organization_scope(organization.id):
            AgentFeedback.objects.create(agent=agent, feedback_type="thumbs_up")
            stored.set()
            end.wait(20)

    writer = in_thread(write)
    assert stored.wait(20)
    for _ in range(3):
        with organization_scope(organization.id), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.1)")
            rollups.sum_up_feedback()
    with organization_scope(organization.id):
        assert FeedbackRollupProgress.objects.get().summed_until is None
    end.set()
    writer.join()
    sum_up_patiently(organization)
    with organization_scope(organization.id):
        assert FeedbackRollup.objects.get(grain="hour").total == 1
        assert_equal(Span(timezone.now() - timedelta(days=1), timezone.now()), None)


def sum_up_patiently(organization: Organization) -> None:
    """Until all that is there is summed up: tests beside this one hold transactions open on the same server."""
    for _ in range(1200):
        with organization_scope(organization.id):
            rollups.sum_up_feedback()
            newest = AgentFeedback.objects.aggregate(newest=Max("created_at"))["newest"]
            summed_until = FeedbackRollupProgress.objects.get().summed_until
            if summed_until is not None and summed_until > newest:
                return
        time.sleep(0.1)


def pause(chance: random.Random) -> None:
    """The transaction stays open for a while."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [chance.choice([0, 0.02, 0.3])])


def write(agents: list[UUID], chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 20)):
        kind = chance.choice(["thumbs_up", "thumbs_down", "report_issue"])
        AgentFeedback.objects.create(
            agent_id=chance.choice(agents), feedback_type=kind, issue_categories=["tone"], rating=chance.randint(1, 5)
        )
    pause(chance)


def spoil(agents: list[UUID], chance: random.Random) -> None:
    """Delete, change, and store late."""
    keys = list(AgentFeedback.objects.order_by("?").values_list("pk", flat=True)[: chance.randrange(10)])
    rows = AgentFeedback.objects.filter(pk__in=keys)
    if chance.random() < 0.5:
        rows.delete()
    else:
        rows.update(rating=chance.randint(1, 5))
    old = timezone.now() - chance.random() * timedelta(hours=50)
    minute = Span(old, old + timedelta(minutes=1))
    slow_statistics.make_feedback(agents=agents, span=minute, count=3, seed=str(chance.random()))
    pause(chance)


def sum_up(agents: list[UUID], chance: random.Random) -> None:
    rollups.sum_up_feedback()


def repeat(work: Callable[[random.Random], None], stop: threading.Event, organization: Organization, seed: int) -> None:
    chance = random.Random(seed)
    while not stop.is_set():
        with organization_scope(organization.id):
            work(chance)


def read_once(organization: Organization, agents: list[UUID], chance: random.Random) -> object:
    """Both answers from one state of the database; the watermark of that state."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with organization_scope(organization.id):
            start = timezone.now() - chance.random() * timedelta(hours=60)
            span = Span(start, timezone.now() + timedelta(days=1))
            assert_equal(span, chance.choice([None, *agents]), chance.choice(["", "hour", "day"]))
            return FeedbackRollupProgress.objects.values_list("summed_until", flat=True).first()


def goes_on(seconds: float, watermarks: int) -> bool:
    """Longer where the job is slow: it waits for all transactions of the server, those of other tests too."""
    return seconds < SECONDS or (watermarks <= ENOUGH and seconds < PATIENCE)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_while_others_write_each_answer_equals_the_rows_of_its_moment(
    organization: Organization, no_delay: None
) -> None:
    """Writers that commit late, deletes, changes, late rows and two jobs, all at once; readers see one state each."""
    with organization_scope(organization.id):
        agents = [factories.make_agent().pk for _ in range(3)]
    stop, chance = threading.Event(), random.Random(9)
    threads = [
        in_thread(partial(repeat, partial(work, agents), stop, organization, seed))
        for seed, work in enumerate([write, write, spoil, sum_up, sum_up])
    ]
    try:
        began = time.monotonic()
        watermarks = set()
        while goes_on(time.monotonic() - began, len(watermarks)):
            watermarks.add(read_once(organization, agents, chance))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(watermarks) > ENOUGH, "the job got nowhere, so this has shown nothing"
    for _ in range(3):
        with organization_scope(organization.id):
            sum_up_all()
    with organization_scope(organization.id):
        assert FeedbackRollup.objects.exists()
        assert_equal(Span(timezone.now() - timedelta(days=5), timezone.now()), None, "hour")
        assert_sums_are_sums()
