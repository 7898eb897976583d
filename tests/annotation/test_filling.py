"""What enters a queue: prepared examples alone, however long preparing took, and what was sent back to review."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from annotation.models import AnnotationQueue, Slot
from annotation.services.claims import claim_next
from annotation.services.filling import fill_queue
from annotation.services.queues import default_queue
from annotation.services.waiting import is_being_prepared
from learning.models import Agent, LearningExample, ReviewStatus
from learning.services import bulk_actions, jobs, preparation, undoing
from learning.services.bulk_actions import Selection, start_bulk_action
from learning.services.clusters import lock_splits
from organizations.models import Organization, Role
from organizations.scope import organization_scope
from tests import factories


def waiting(queue: AnnotationQueue) -> set[Any]:
    return set(Slot.objects.filter(queue=queue, status="open").values_list("example_id", flat=True))


def made(agent: Agent, age: timedelta, **values: Any) -> LearningExample:
    example = factories.make_example(agent, **values)
    LearningExample.objects.filter(pk=example.pk).update(created_at=timezone.now() - age)
    return example


def run(job: Any, worker: Any) -> Any:
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    for step in worker(work):
        jobs.record_step(work=work, step=step)
    jobs.finish_job(work=work)
    job.refresh_from_db()
    return job


def test_nobody_reviews_what_was_not_prepared(queue: AnnotationQueue, agent: Agent) -> None:
    raw, ready = factories.make_example(agent, prepared_version=0), factories.make_example(agent)
    fill_queue(queue=queue)
    assert waiting(queue) == {ready.pk}
    LearningExample.objects.filter(pk=raw.pk).update(prepared_version=1)
    fill_queue(queue=queue)
    assert waiting(queue) == {ready.pk, raw.pk}


def test_who_finds_an_empty_desk_does_not_wait_for_a_worker_to_prepare(queue: AnnotationQueue, agent: Agent) -> None:
    raw = factories.make_example(agent, prepared_version=0, input_text="Write to ann@example.com")
    slot = claim_next(expert=factories.make_user(agent.organization, Role.EXPERT), queue=queue)
    assert slot is not None
    raw.refresh_from_db()
    assert (slot.example_id, raw.input_text) == (raw.pk, "Write to <EMAIL_1>")


def test_a_desk_does_not_wait_for_somebody_else_who_prepares(
    organization: Organization, transactional_db: None
) -> None:
    with organization_scope(organization.pk):
        factories.make_example(factories.make_agent(), prepared_version=0)
        queue, expert = default_queue(), factories.make_user(organization, Role.EXPERT)
    held, done = Event(), Event()

    def prepare_for_long() -> None:
        with organization_scope(organization.pk), transaction.atomic():
            lock_splits()
            held.set()
            done.wait(20)
        connection.close()

    other = Thread(target=prepare_for_long)
    other.start()
    try:
        assert held.wait(20)
        with organization_scope(organization.pk):
            assert claim_next(expert=expert, queue=queue) is None
            assert queue is not None and is_being_prepared(queue=queue), "the desk says so instead of: nothing waits"
    finally:
        done.set()
        other.join()


def test_what_is_being_prepared_for_another_queue_is_not_announced(queue: AnnotationQueue, agent: Agent) -> None:
    factories.make_example(agent, prepared_version=0, domain="support")
    for field, value in {"domain": "sales", "example_types": ["positive"], "statuses": ["needs_revision"]}.items():
        assert is_being_prepared(queue=queue)
        allowed = getattr(queue, field)
        setattr(queue, field, value)
        assert not is_being_prepared(queue=queue), field
        setattr(queue, field, allowed)
    queue.agent = factories.make_agent()
    assert not is_being_prepared(queue=queue)


def test_a_desk_says_that_items_are_being_prepared(
    queue: AnnotationQueue, agent: Agent, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_example(agent, prepared_version=0)
    monkeypatch.setattr(preparation, "try_lock_splits", lambda: False)
    text = sign_in("expert").get(reverse("review-desk")).content.decode()
    assert "New items are being prepared" in text and "Nothing waits for your review" not in text


def test_an_example_whose_preparation_took_hours_is_not_forgotten(queue: AnnotationQueue, agent: Agent) -> None:
    late = made(agent, timedelta(hours=5), prepared_version=0)
    made(agent, timedelta(hours=1))
    fill_queue(queue=queue)
    queue.refresh_from_db()
    LearningExample.objects.filter(pk=late.pk).update(prepared_version=1)
    fill_queue(queue=queue)
    assert late.pk in waiting(queue)


def test_what_is_sent_back_to_review_is_found_however_old_it_is(queue: AnnotationQueue, agent: Agent) -> None:
    old = made(agent, timedelta(days=9), review_status=ReviewStatus.REJECTED)
    fill_queue(queue=queue)
    queue.refresh_from_db()
    assert queue.filled_to > timezone.now() - timedelta(minutes=1)
    run(start_bulk_action(selection=Selection({}), action={"name": "reopen"}), bulk_actions.work)
    fill_queue(queue=queue)
    assert waiting(queue) == {old.pk}


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_what_a_verdict_on_many_took_out_comes_back_when_it_is_undone(
    queue: AnnotationQueue, agent: Agent, action: str
) -> None:
    old = made(agent, timedelta(days=9))
    fill_queue(queue=queue)
    queue.refresh_from_db()
    job = run(start_bulk_action(selection=Selection({}), action={"name": action}), bulk_actions.work)
    Slot.objects.filter(example=old).update(status="cancelled")  # as a claim does that meets a decided example
    run(undoing.undo_job(job=job), undoing.work)
    fill_queue(queue=queue)
    assert waiting(queue) == {old.pk}
