"""Items about which reviewers disagree: for whom another reviewer was asked, and what waits for an adjudicator."""

from __future__ import annotations

from django.db.models import F, QuerySet

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot, SlotKind
from annotation.services.waiting import ORDER

SHOWN = 100
LOOKED_AT = 2_000  # of what waits: a disputed item comes before the others of its type


def waiting_disputes() -> QuerySet[Slot]:
    """What waits for an adjudicator. Queue by queue, as the index has it."""
    queues = list(AnnotationQueue.objects.values_list("pk", flat=True))
    return Slot.objects.filter(queue__in=queues, waiting=True, kind=SlotKind.ADJUDICATION)


def disputes() -> list[Slot]:
    """The first of what waits for an adjudicator, in the order in which it would be offered."""
    return list(waiting_disputes().select_related("queue", "example__agent", "claimed_by").order_by(*ORDER)[:SHOWN])


def reviews_added() -> list[Slot]:
    """Reviews that were asked for because the ones before disagree; of the first LOOKED_AT that wait."""
    first = Slot.objects.filter(waiting=True).order_by(*ORDER).values("pk")[:LOOKED_AT]
    added = Slot.objects.filter(pk__in=first, kind=SlotKind.REVIEW, number__gt=F("queue__reviews_per_item"))
    return list(added.select_related("queue", "example__agent").order_by(*ORDER)[:SHOWN])


def opinions_on(slot: Slot) -> list[ExpertAnnotation]:
    """Every opinion that stands at the slot's stage, oldest first; those without a vote (`extra`) last."""
    said = ExpertAnnotation.objects.current().filter(
        example_id=slot.example_id, stage=slot.stage, round=slot.round, kind=SlotKind.REVIEW
    )
    return list(said.select_related("expert", "rubric").order_by("extra", "id"))
