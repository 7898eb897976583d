"""Reviews that were made elsewhere, without a claim."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from annotation.models import AnnotationQueue, Decision, ExpertAnnotation, Slot, SlotKind, SlotStatus
from annotation.models.slots import WAITING
from annotation.ordering import Urgency, tiebreak_of, uncertainty_of
from annotation.services.leases import cancel_slots
from annotation.services.opinions import Opinion
from annotation.services.queues import default_queue
from annotation.services.stages import ask_another, current_round, open_next_stage, opinions_at, push_verdict
from annotation.services.submissions import check_opinion, locked_example, write_opinion
from annotation.verdicts import majority
from learning.models import LearningExample, ReviewStatus
from learning.services.review import begin_review
from organizations.errors import Conflict, Refused

STATUS_AFTER = {
    Decision.APPROVE: ReviewStatus.APPROVED,
    Decision.REJECT: ReviewStatus.REJECTED,
    Decision.REQUEST_CHANGES: ReviewStatus.NEEDS_REVISION,
}


def record_annotation(*, expert: Any, example: LearningExample, opinion: Opinion, stage: str = "") -> ExpertAnnotation:
    """A review that was made elsewhere. The majority of all opinions at the stage decides.

    `stage`: one of the example's queue, the first when left out. Raises Refused for a stage that the queue does not
    have and when an approval has no right output, Conflict for a stage whose turn has not come or where the person
    has reviewed the example at another stage.
    """
    with transaction.atomic():
        fresh = locked_example(example.pk)
        queue, slot = _queue_of(fresh)
        stages = queue.stages if queue else []
        stage = stage or (stages[0] if stages else "")
        if stage not in stages:
            raise Refused(f"The queue of this example has the stages {', '.join(stages) or 'none'}.", "stage")
        check_opinion(opinion, fresh, queue.rubric if queue else None)
        round = current_round(fresh)
        _check_turn(fresh, stages, stage, round)
        _check_once(expert, fresh, stage, round)
        annotation = write_opinion(
            expert, fresh, opinion, stage=stage, round=round, rubric=queue.rubric if queue else None
        )
        _decide(fresh, queue, slot, stage, round)
    return annotation


def _decide(example: LearningExample, queue: AnnotationQueue | None, slot: Slot | None, stage: str, round: int) -> None:
    opinions = opinions_at(example, stage, round)
    decision = majority([each.decision for each in opinions])
    stages = queue.stages if queue else [stage]
    if decision is None:
        begin_review(example=example)
        _break_tie(example, slot or _first_slot(example, queue), stage, round, opinions)
    elif decision == Decision.APPROVE and stage != stages[-1]:
        begin_review(example=example)
        cancel_slots(example_id=example.pk)
        if slot is not None:
            open_next_stage(slot=slot, example=example, stage=stage)
    elif example.review_status != STATUS_AFTER[Decision(decision)]:
        push_verdict(example=example, decision=decision, opinions=opinions, queue=queue)
    else:
        cancel_slots(example_id=example.pk)


def _break_tie(
    example: LearningExample, like: Slot | None, stage: str, round: int, opinions: list[ExpertAnnotation]
) -> None:
    """Offer the example to one more reviewer, or it would wait for a verdict that nobody can give."""
    known = Slot.objects.filter(example=example, status__in=[*WAITING, SlotStatus.SET_ASIDE])
    if like is None or known.exclude(kind=SlotKind.GOLD).exists():
        return
    like.stage, like.round = stage, round
    ask_another(like, example, opinions)


def _first_slot(example: LearningExample, queue: AnnotationQueue | None) -> Slot | None:
    """What the queue would have made for an example that it has not seen yet; not stored."""
    if queue is None:
        return None
    order = settings.LEARNING["annotation"]["queue_priority"]
    kind = example.example_type
    return Slot(
        queue=queue, example=example, agent_id=example.agent_id, domain=example.domain, example_type=kind,
        priority=1 + (order.index(kind) if kind in order else len(order)), waiting_since=example.created_at,
        tiebreak=tiebreak_of(Urgency(0, 0, uncertainty_of(example.predicted_quality))),
    )  # fmt: skip


def _queue_of(example: LearningExample) -> tuple[AnnotationQueue | None, Slot | None]:
    """Where the example is reviewed: the queue that it came into last, else the one for all."""
    slots = Slot.objects.filter(example=example).exclude(kind=SlotKind.GOLD)
    slot = slots.select_related("queue__rubric").order_by("-id").first()
    return (slot.queue, slot) if slot else (default_queue(), None)


def _check_turn(example: LearningExample, stages: list[str], stage: str, round: int) -> None:
    before = stages[: stages.index(stage)]
    for earlier in before:
        opinions = opinions_at(example, earlier, round)
        if majority([opinion.decision for opinion in opinions]) != Decision.APPROVE:
            raise Conflict(f"The stage {earlier} comes first and is not settled.", "stage")


def _check_once(expert: Any, example: LearningExample, stage: str, round: int) -> None:
    """Nobody settles two stages alone: as with claims, a person reviews an example once, at one of them."""
    mine = ExpertAnnotation.objects.counted().filter(expert=expert, example=example, round=round)
    earlier = mine.exclude(stage=stage).exclude(kind=SlotKind.GOLD).first()
    if earlier is not None:
        raise Conflict(f"This person has reviewed the example already, at the stage {earlier.stage}.", "stage")
