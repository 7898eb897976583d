"""Handing in a review, recording one that was made elsewhere, and taking one back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from annotation.models import Decision, ExpertAnnotation, Rubric, Slot, SlotKind, SlotStatus
from annotation.services.drafts import discard_draft, save_draft
from annotation.services.gold import GoldResult, judge_gold
from annotation.services.leases import finish_slot, reclaim_slot
from annotation.services.opinions import Opinion
from annotation.services.preferences import check_preference, outputs_before
from annotation.services.queues import may_work_at
from annotation.services.rubrics import check_answers
from annotation.services.seats import take_seat
from annotation.services.stages import settle_stage
from learning.models import LearningExample
from learning.services.review import AWAITING, begin_review
from organizations import audit
from organizations.errors import Conflict, Missing

UNDO_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Submission:
    """What became of a submitted review.

    `conflict` says why it does not count; then it is kept as an extra opinion. `gold`: what the known answer says.
    """

    annotation: ExpertAnnotation
    conflict: str = ""
    gold: GoldResult | None = None


def submit_annotation(
    *, expert: Any, slot_id: UUID, lease_token: UUID, opinion: Opinion, slot: Slot | None = None
) -> Submission:
    """Hand in the review of a claimed slot and push its verdict down, in one transaction.

    A review whose lease was lost to somebody else never raises: it is kept, and the answer says why it does not count.
    The same review handed in again (a lost answer) gives the first one. Raises Missing for an unknown slot, and Refused
    when an approval has no right output or an answer does not fit the rubric, PermissionDenied for somebody who neither
    holds the item nor may work at its queue. `slot`: with its queue, where it was read
    in this transaction already; who holds it is asked again in any case.
    """
    slot = slot or Slot.objects.select_related("queue__rubric").filter(pk=slot_id).first()
    if slot is None:
        raise Missing("There is no such item.", "slot")
    if slot.claimed_by_id != expert.pk and not may_work_at(slot.queue, expert):
        raise PermissionDenied("Other experts work at this queue.")
    with transaction.atomic():
        seat = take_seat(queue=slot.queue, expert=expert)
        example = locked_example(slot.example_id)
        check_opinion(opinion, example, slot.queue.rubric)
        if not finish_slot(expert=expert, slot_id=slot_id, lease_token=lease_token):
            return _late(expert, slot_id, lease_token, opinion)
        if slot.kind == SlotKind.GOLD:
            annotation = write_opinion(expert, example, opinion, slot=slot)
            discard_draft(expert=expert, example_id=example.pk)
            return Submission(annotation, gold=judge_gold(seat=seat, slot=slot, annotation=annotation))
        if example.review_status not in {*AWAITING, *slot.queue.statuses}:
            return _extra(expert, slot, opinion, "The example was decided elsewhere while you worked on it.")
        annotation = write_opinion(expert, example, opinion, slot=slot)
        settle_stage(slot=slot, example=example)
        discard_draft(expert=expert, example_id=example.pk)
    return Submission(annotation)


def undo_submission(*, expert: Any, annotation_id: UUID) -> Slot:
    """Take back one's own review within UNDO_WITHIN: the item is claimed again, with what was said as a draft.

    The review stays in the history as withdrawn. Raises Missing for somebody else's, Conflict when it is too late.
    """
    with transaction.atomic():
        annotation = ExpertAnnotation.objects.current().filter(pk=annotation_id, expert=expert, extra=False).first()
        if annotation is None or annotation.slot is None:
            raise Missing("There is no review of yours here that could be taken back.")
        if annotation.kind == SlotKind.GOLD:
            raise Conflict("This item had a known answer: what you said about it counts once.")
        if annotation.created_at < timezone.now() - UNDO_WITHIN:
            raise Conflict("A review can be taken back for 10 minutes. Ask a manager to reopen the example.")
        take_seat(queue=annotation.slot.queue, expert=expert)
        example, slot = locked_example(annotation.example_id), annotation.slot
        later = Slot.objects.filter(example=example, created_at__gt=annotation.created_at).exclude(kind=SlotKind.GOLD)
        if later.exclude(status=SlotStatus.OPEN).exists():
            raise Conflict("Somebody else has gone on with this item already.")
        later.delete()
        reclaim_slot(expert=expert, slot=slot)
        before = outputs_before(example)
        ExpertAnnotation.objects.filter(pk=annotation.pk).update(withdrawn_at=timezone.now())
        _keep_as_draft(expert, example.pk, _said_in(annotation))
        begin_review(example=example, **before)
        audit.record(action="annotation.withdrawn", target=annotation, before={"decision": annotation.decision})
    return slot


def last_undoable(*, expert: Any) -> ExpertAnnotation | None:
    """The person's newest review, while it can be taken back."""
    since = timezone.now() - UNDO_WITHIN
    mine = ExpertAnnotation.objects.counted().filter(expert=expert, slot__isnull=False, created_at__gte=since)
    return mine.select_related("example").order_by("-id").first()


def check_opinion(opinion: Opinion, example: LearningExample, rubric: Rubric | None) -> None:
    """Raises Refused when the opinion does not fit the item: its rubric's questions, or what it compares."""
    check_answers(rubric, opinion.answers, complete=opinion.decision == Decision.APPROVE)
    check_preference(example=example, decision=opinion.decision, preferred=opinion.preferred)


def locked_example(example_id: UUID) -> LearningExample:
    """The example, with a lock: reviews of one example are handed in one after the other."""
    return LearningExample.objects.select_for_update(no_key=True).get(pk=example_id)


def _late(expert: Any, slot_id: UUID, lease_token: UUID, opinion: Opinion) -> Submission:
    slot = Slot.objects.select_related("queue__rubric").get(pk=slot_id)
    if slot.status == SlotStatus.DONE and slot.lease_token == lease_token and slot.claimed_by_id == expert.pk:
        before = ExpertAnnotation.objects.current().filter(slot=slot, expert=expert).first()
        if before is not None and opinion.is_said_by(before):
            return Submission(before, conflict="" if not before.extra else "This review was kept as an extra opinion.")
        return _extra(expert, slot, opinion, "You have handed in another review of this item already.")
    return _extra(expert, slot, opinion, "Your claim on this item had ended and it went to somebody else.")


def _extra(expert: Any, slot: Slot, opinion: Opinion, reason: str) -> Submission:
    """Keep what was written although it does not decide, and as a draft in case the item comes back to this person."""
    example = LearningExample.objects.get(pk=slot.example_id)
    annotation = write_opinion(expert, example, opinion, slot=slot, extra=True)
    _keep_as_draft(expert, slot.example_id, opinion)
    return Submission(annotation, conflict=f"{reason} What you wrote is kept as an extra opinion.")


def write_opinion(
    expert: Any,
    example: LearningExample,
    opinion: Opinion,
    *,
    slot: Slot | None = None,
    stage: str = "",
    round: int = 1,
    rubric: Rubric | None = None,
    extra: bool = False,
) -> ExpertAnnotation:
    """A new version of what this person says about the example; it supersedes their earlier ones of this kind."""
    kind = slot.kind if slot else SlotKind.REVIEW
    if slot is not None:
        stage, round, rubric = slot.stage, slot.round, slot.queue.rubric
    mine = ExpertAnnotation.objects.filter(
        example=example, stage=stage, round=round, kind=kind, expert=expert, superseded_by__isnull=True
    )
    if extra:
        mine = mine.filter(extra=True)
    replaced = list(mine.values_list("pk", flat=True))
    annotation = ExpertAnnotation(
        example=example, slot=slot, expert=expert, kind=kind, stage=stage, round=round, extra=extra,
        rubric=rubric if opinion.answers else None, **opinion.columns(),
    )  # fmt: skip
    # Superseded by itself for a moment: only one current version is allowed, and the old ones need its key.
    annotation.superseded_by = annotation if replaced else None
    annotation.save(force_insert=True)
    if replaced:
        ExpertAnnotation.objects.filter(pk__in=replaced).update(superseded_by=annotation)
        annotation.superseded_by = None
        annotation.save(update_fields=["superseded_by"])
    audit.record(
        action="annotation.kept" if extra else "annotation.submitted",
        target=annotation,
        after={"decision": opinion.decision, "stage": stage, "example": str(example.pk)},
    )
    return annotation


def _said_in(annotation: ExpertAnnotation) -> Opinion:
    return Opinion(**{name: getattr(annotation, name) for name in Opinion.__dataclass_fields__})


def _keep_as_draft(expert: Any, example_id: UUID, opinion: Opinion) -> None:
    said = {name: value for name, value in asdict(opinion).items() if value is not None}
    content = {name: said[name] for name in said if name not in ("decision", "annotation_type")}
    save_draft(expert=expert, example_id=example_id, content=content)
