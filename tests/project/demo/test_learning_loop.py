"""The demo's expert waits for the corrections that were sent, and judges those of its own agent alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from annotation.models import AnnotationQueue
from annotation.services.filling import fill_queue
from annotation.services.queues import create_queue, default_queue
from learning.models import Agent, LearningExample, ReviewStatus
from learning.services.clusters import lock_splits
from organizations.scope import organization_scope
from project.demo import learning_loop, sign_ins
from project.demo.data import Item
from project.demo.learning_loop import Loop, Stalled
from project.demo.plan import REVIEWS
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ITEMS = [Item(str(number), f"Text {number} of the shop", "positive") for number in range(3)]


@pytest.fixture
def loop(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    loop = Loop(sign_ins.seed().id, REVIEWS, "reviews", "small", 1)
    loop.create_agent()
    return loop


def correct(loop: Loop, **values: Any) -> None:
    """The users' corrections, one for each item."""
    with organization_scope(loop.organization_id):
        for item in ITEMS:
            agent = Agent.objects.get(external_id=loop.name)
            factories.make_example(agent, input_text=item.text, domain=agent.domain, **values)


@pytest.fixture
def preparer(loop: Loop) -> Iterator[Event]:
    """A worker prepares until the event is set."""
    began, finish = Event(), Event()

    def prepare() -> None:
        with organization_scope(loop.organization_id):
            lock_splits()
            began.set()
            finish.wait(20)
        connection.close()

    thread = Thread(target=prepare)
    thread.start()
    assert began.wait(20)
    yield finish
    finish.set()
    thread.join()


def clock(monkeypatch: pytest.MonkeyPatch, sleep: Any, monotonic: Any = time.monotonic) -> None:
    monkeypatch.setattr(learning_loop, "time", SimpleNamespace(sleep=sleep, monotonic=monotonic))


def test_the_expert_waits_while_a_worker_prepares_what_came(
    loop: Loop, preparer: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(loop, prepared_version=0)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        preparer.set()
        time.sleep(0.02)

    clock(monkeypatch, wait)
    assert loop.review(ITEMS, len(ITEMS), lambda count: None) == 3 and waits
    with organization_scope(loop.organization_id):
        assert set(LearningExample.objects.values_list("review_status", flat=True)) == {ReviewStatus.APPROVED}


def test_corrections_that_never_come_to_the_expert_end_the_demo_with_a_sentence(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(loop)
    passed = [0.0]
    clock(monkeypatch, lambda seconds: passed.append(passed[-1] + 100), lambda: passed[-1])
    with pytest.raises(Stalled, match=r"Of 4 corrections of reviews 3 are reviewed.*Does the worker run"):
        loop.review(ITEMS, 4, lambda count: None)


def test_the_corrections_of_another_play_and_of_the_desk_are_left_alone(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization_scope(loop.organization_id):
        domain_queue = create_queue(name="Everything of the domain", domain=REVIEWS.domain)
    correct(loop, prepared_version=1)
    again = replace(loop, name="reviews-2")
    again.create_agent()
    correct(again, prepared_version=1)
    with organization_scope(loop.organization_id):
        desk = default_queue()
        assert desk is not None
        assert fill_queue(queue=desk) == 0 and fill_queue(queue=domain_queue) == 0
    assert again.review(ITEMS, len(ITEMS), lambda count: None) == 3
    with organization_scope(loop.organization_id):
        assert (
            LearningExample.objects.filter(review_status=ReviewStatus.PENDING, agent__external_id="reviews").count()
            == 3
        )
        assert AnnotationQueue.objects.order_by("id").first() == desk
