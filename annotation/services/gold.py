"""Items whose right answer is known: given now and then, they measure each expert. Their answers decide nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from annotation.intervals import Share, share_of
from annotation.models import AnnotationQueue, Decision, ExpertAnnotation, GoldItem, QueueSeat, Slot, SlotKind
from annotation.services.rubrics import check_answers
from learning.models import ExampleType, LearningExample, ReviewStatus
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.identifiers import as_uuid

UNDECIDED = (ReviewStatus.PENDING, ReviewStatus.IN_REVIEW, ReviewStatus.NEEDS_REVISION)
LOOKED_AT, QUOTED = 5_000, 3
PAUSED = (
    "Your work at this queue is paused: {right} of your last {total} answers to items with a known answer were right, "
    "and the queue asks for {bar:.0%}. A manager has been told and can let you go on."
)


@dataclass(frozen=True)
class GoldResult:
    """What a known answer says about the one given."""

    right: bool
    right_decision: str
    explanation: str
    paused_because: str = ""


def add_gold(
    *,
    queue: AnnotationQueue,
    example: LearningExample,
    right_decision: str,
    right_answers: dict[str, Any] | None = None,
    shown_output: str | None = None,
    explanation: str = "",
) -> GoldItem:
    """A known answer for the queue. `shown_output`: what experts judge; the agent's own output when left out.

    Raises Refused for an unknown decision, an undecided example, impossible answers or a correction without
    `shown_output`, Conflict when the example is a gold item here already.
    """
    if right_decision not in Decision.values:
        raise Refused(f"Choose one of {', '.join(Decision.values)}.", "right_decision")
    if example.review_status in UNDECIDED:
        raise Refused("Only an example that is decided has a known answer: review it first.", "example_id")
    if shown_output is None and example.example_type == ExampleType.CORRECTION:
        # Beside other corrections, which propose the user's text, the agent's own would give it away.
        raise Refused("Write what experts judge in place of the user's correction.", "shown_output")
    answers = check_answers(queue.rubric, right_answers or {}, complete=False)
    if GoldItem.objects.filter(queue=queue, example=example).exists():
        raise Conflict("This example is a gold item of the queue already.", "example_id")
    item = GoldItem.objects.create(
        queue=queue, example=example, right_decision=right_decision, right_answers=answers, explanation=explanation,
        shown_output=example.original_output if shown_output is None else shown_output,
    )  # fmt: skip
    audit.record(action="golditem.created", target=item, after={"queue": queue.name, "decision": right_decision})
    return item


def find_decided(*, queue: AnnotationQueue, words: str) -> LearningExample:
    """The example with this id, or the one decided example whose input has these words, of the newest LOOKED_AT.

    Raises Refused when there is none, or when there are several, quoting them.
    """
    if pk := as_uuid(words):
        found = list(LearningExample.objects.filter(pk=pk))
    else:
        decided = LearningExample.objects.exclude(review_status__in=UNDECIDED)
        if queue.agent_id:
            decided = decided.filter(agent_id=queue.agent_id)
        newest = decided.order_by("-id").values("pk")[:LOOKED_AT]
        found = list(decided.filter(pk__in=newest, input_text__icontains=words).order_by("-id")[: QUOTED + 1])
    if not found:
        raise Refused("No example has that id, and no decided one of this queue these words in its input.", "example")
    if len(found) > 1:
        quoted = "; ".join(f"“{one.input_text[:60]}” ({one.pk})" for one in found[:QUOTED])
        raise Refused(f"Several decided examples have these words: {quoted}. Give more words, or the id.", "example")
    return found[0]


def retire_gold(*, item: GoldItem) -> None:
    """It is not given to anybody any more; the answers to it still count."""
    GoldItem.objects.filter(pk=item.pk).update(active=False, updated_at=timezone.now())
    audit.record(action="golditem.retired", target=item, before={"active": True}, after={"active": False})


def offer_gold(*, seat: QueueSeat, queue: AnnotationQueue, expert: Any) -> UUID | None:
    """A slot for a gold item that this person has not seen, in `gold_share` of the calls; else None."""
    if not queue.gold_share or random.random() >= queue.gold_share:  # no secret, only unforeseeable
        return None
    holding = Slot.objects.filter(status="claimed", claimed_by=expert)
    if seat.holding is not None and holding.filter(pk=seat.holding).exists():
        return None
    mine = Q(claimed_by=expert) | Q(skipped_by__contains=[expert.pk])
    seen = Slot.objects.filter(mine, example=OuterRef("example"), kind=SlotKind.GOLD, queue=queue)
    reviewed = ExpertAnnotation.objects.filter(example=OuterRef("example"), expert=expert)
    fresh = GoldItem.objects.filter(queue=queue, active=True).exclude(Exists(seen)).exclude(Exists(reviewed))
    item = fresh.select_related("example").order_by("?").first()
    return _slot_for(item, queue) if item else None


def judge_gold(*, seat: QueueSeat, slot: Slot, annotation: ExpertAnnotation) -> GoldResult:
    """Note whether the answer was right, and pause the person when they are surely below the queue's bar."""
    item = GoldItem.objects.get(queue=slot.queue, example=slot.example_id)
    answered = all(annotation.answers.get(key) == value for key, value in item.right_answers.items())
    right = annotation.decision == item.right_decision and answered
    ExpertAnnotation.objects.filter(pk=annotation.pk).update(gold_right=right)
    accuracy = gold_accuracy(seat)
    paused = ""
    if accuracy.high is not None and accuracy.total >= slot.queue.gold_minimum and accuracy.high < slot.queue.gold_bar:
        paused = pause_expert(seat=seat, accuracy=accuracy, bar=slot.queue.gold_bar)
    return GoldResult(right, item.right_decision, item.explanation, paused)


def gold_accuracy(seat: QueueSeat) -> Share:
    """The share of gold answers of this person at this queue that were right, since they were last let go on."""
    answers = ExpertAnnotation.objects.gold().filter(
        expert_id=seat.expert_id,
        slot__queue_id=seat.queue_id,
        gold_right__isnull=False,
        created_at__gt=seat.judged_from,
    )
    counts = answers.aggregate(total=Count("id"), right=Count("id", filter=Q(gold_right=True)))
    return share_of(counts["right"], counts["total"])


def pause_expert(*, seat: QueueSeat, accuracy: Share, bar: float) -> str:
    """No further item of the queue for this person until a manager says so; what they are told."""
    because = PAUSED.format(right=accuracy.right, total=accuracy.total, bar=bar)
    QueueSeat.objects.filter(pk=seat.pk).update(paused_at=timezone.now(), paused_because=because)
    audit.record(
        action="expert.paused",
        target=seat,
        after={
            "queue": str(seat.queue_id), "expert": str(seat.expert_id), "right": accuracy.right,
            "total": accuracy.total, "accuracy_at_most": accuracy.high, "bar": bar,
        },
    )  # fmt: skip
    return because


def resume_expert(*, seat: QueueSeat) -> None:
    """Let a paused person go on; their gold answers are counted anew. Raises Conflict when they are not paused."""
    changed = QueueSeat.objects.filter(pk=seat.pk, paused_at__isnull=False).update(
        paused_at=None, paused_because="", judged_from=timezone.now()
    )
    if not changed:
        raise Conflict("This person is not paused.")
    audit.record(action="expert.resumed", target=seat, before={"because": seat.paused_because})


def _slot_for(item: GoldItem, queue: AnnotationQueue) -> UUID | None:
    highest = Slot.objects.filter(example=item.example, stage=queue.stages[0], kind=SlotKind.GOLD).aggregate(
        highest=Max("number")
    )["highest"]
    slot = Slot(
        id=_inconspicuous_id(item.example.created_at), queue=queue, example=item.example, kind=SlotKind.GOLD,
        stage=queue.stages[0], number=(highest or 0) + 1,
        waiting_since=item.example.created_at, agent_id=item.example.agent_id, domain=item.example.domain,
        example_type=item.example.example_type,
    )  # fmt: skip
    Slot.objects.bulk_create([slot], ignore_conflicts=True)
    return slot.pk if Slot.objects.filter(pk=slot.pk).exists() else None  # somebody else took the number


def _inconspicuous_id(came_in: datetime) -> UUID:
    """A key as the slot would have got when the example came in: the time in it must not tell that it was made now."""
    moment = min(came_in + timedelta(seconds=random.uniform(1, 30)), timezone.now())  # as often as queues are filled
    return uuid7(nanoseconds=int(moment.timestamp() * 1_000) * 1_000_000)
