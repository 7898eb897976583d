"""What the review desk does by itself: queues take in what is new, and estimates are made anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from celery import shared_task

from annotation.models import AnnotationQueue
from annotation.reliability import dawid_skene
from annotation.services.filling import fill_queue
from annotation.services.queues import default_queue
from annotation.services.reliability import LABELS, keep_estimate, read_votes
from annotation.services.reordering import reorder_queue
from learning.models import LearningExample
from organizations.scope import organization_scope
from organizations.tasks import each_one, each_organization

MOST_BATCHES = 20  # of one queue in one sweep


@shared_task(name="annotation.fill_queues")
def fill_queues() -> None:
    """Slots for new examples, and approvals where a queue allows them, before anybody asks for an item."""
    each_organization(_fill_those_of)


def _fill_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        if LearningExample.objects.exists():
            default_queue()  # made for the first examples of an organization
    _each_queue(organization_id, _fill)


def _fill(organization_id: UUID, queue_id: UUID) -> None:
    with organization_scope(organization_id):
        reorder_queue(queue=AnnotationQueue.objects.get(pk=queue_id))
    for _ in range(MOST_BATCHES):  # each batch is a transaction of its own
        with organization_scope(organization_id):
            if not fill_queue(queue=AnnotationQueue.objects.get(pk=queue_id)):
                break


@shared_task(name="annotation.estimate_reliability")
def estimate_all() -> None:
    """The reliability of each queue's experts, from what they said by now."""
    each_organization(_estimate_those_of)


def _estimate_those_of(organization_id: UUID) -> None:
    _each_queue(organization_id, _estimate)


def _estimate(organization_id: UUID, queue_id: UUID) -> None:
    with organization_scope(organization_id):
        votes = read_votes(queue=AnnotationQueue.objects.get(pk=queue_id))
    estimate = dawid_skene(votes, LABELS)  # between two transactions, not in one
    with organization_scope(organization_id):
        keep_estimate(queue=AnnotationQueue.objects.get(pk=queue_id), estimate=estimate)


def _each_queue(organization_id: UUID, work: Callable[[UUID, UUID], None]) -> None:
    """The trouble of one queue is not that of the others."""
    named = f"organization {organization_id}, queue"
    each_one(named, _active_queues(organization_id), partial(work, organization_id))


def _active_queues(organization_id: UUID) -> list[UUID]:
    with organization_scope(organization_id):
        return list(AnnotationQueue.objects.filter(active=True).order_by("id").values_list("pk", flat=True))
