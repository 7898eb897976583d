"""Items about which reviewers disagree: for whom another reviewer was asked, and what waits for an adjudicator."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot, SlotKind
from annotation.services.waiting import ORDER

SHOWN = 100


def waiting_disputes() -> QuerySet[Slot]:
    """What waits for an adjudicator. Queue by queue, as the index has it."""
    queues = list(AnnotationQueue.objects.values_list("pk", flat=True))
    return Slot.objects.filter(queue__in=queues, waiting=True, kind=SlotKind.ADJUDICATION)


def disputes() -> list[Slot]:
    """The first of what waits for an adjudicator, in the order in which it would be offered."""
    return list(waiting_disputes().select_related("queue", "example__agent", "claimed_by").order_by(*ORDER)[:SHOWN])


def reviews_added() -> list[Slot]:
    """Reviews that were asked for because the ones before disagree: more than the queue wants of each item."""
    queues = AnnotationQueue.objects.values_list("pk", "reviews_per_item")
    more = [Q(queue=queue, number__gt=wanted) for queue, wanted in queues]
    if not more:
        return []
    added = Slot.objects.filter(reduce(or_, more), waiting=True, kind=SlotKind.REVIEW).order_by(*ORDER)
    keys = list(added.values_list("pk", flat=True)[:SHOWN])  # joined afterwards, see `list_slots`
    return list(Slot.objects.filter(pk__in=keys).select_related("queue", "example__agent").order_by(*ORDER))


def opinions_on(slot: Slot) -> list[ExpertAnnotation]:
    """Every opinion that stands at the slot's stage, oldest first; those without a vote (`extra`) last."""
    said = ExpertAnnotation.objects.current().filter(
        example_id=slot.example_id, stage=slot.stage, round=slot.round, kind=SlotKind.REVIEW
    )
    return list(said.select_related("expert", "rubric").order_by("extra", "id"))
