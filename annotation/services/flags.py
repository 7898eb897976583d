"""Items that an expert sets aside for a manager."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from annotation.models import FlagReason, FlagStatus, ItemFlag, Slot, SlotStatus
from annotation.services.leases import appended, cancel_slots, held, open_again, why_not_held
from learning.models import LearningExample, ReviewStatus
from learning.services import examples
from learning.services.review import AWAITING
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.transitions import move

LONGEST_NOTE = 10_000  # characters
OUTCOMES = (FlagStatus.DISMISSED, FlagStatus.REMOVED)


def flag_item(*, expert: Any, slot_id: UUID, lease_token: UUID, reason: str, note: str = "") -> ItemFlag:
    """Set a held item aside: nobody is offered it until a manager has looked.

    Raises Refused for an unknown reason, Conflict when the item is not held any more.
    """
    if reason not in FlagReason.values:
        raise Refused(f"Choose one of {', '.join(FlagReason.values)}.", "reason")
    if len(note) > LONGEST_NOTE:
        raise Refused(f"The note is longer than {LONGEST_NOTE} characters.", "note")
    with transaction.atomic():
        aside = held(slot_id, expert, lease_token).update(
            status=SlotStatus.SET_ASIDE, skipped_by=appended(expert), updated_at=Now()
        )
        if not aside:
            raise why_not_held(slot_id)
        flag = ItemFlag.objects.create(slot_id=slot_id, expert=expert, reason=reason, note=note)
        audit.record(action="item.flagged", target=flag, after={"slot": str(slot_id), "reason": reason})
    return flag


def resolve_flag(*, flag: ItemFlag, outcome: str, by: Any = None) -> None:
    """Put the item back into its queue ("dismissed"), or reject its example ("removed").

    Raises Refused for another outcome, Conflict when the flag was resolved already.
    """
    if outcome not in OUTCOMES:
        raise Refused(f"Choose one of {', '.join(OUTCOMES)}.", "outcome")
    with transaction.atomic():
        example = LearningExample.objects.select_for_update(no_key=True).get(slots=flag.slot_id)
        flag = ItemFlag.objects.select_for_update().get(pk=flag.pk)
        move(flag, outcome, resolved_by=by, resolved_at=timezone.now())
        slot = Slot.objects.filter(pk=flag.slot_id, status=SlotStatus.SET_ASIDE)
        awaited = example.review_status in (*AWAITING, ReviewStatus.NEEDS_REVISION)
        if outcome == FlagStatus.DISMISSED and awaited:
            slot.update(**open_again())
            return
        slot.update(status=SlotStatus.CANCELLED, updated_at=Now())
        if outcome == FlagStatus.REMOVED:
            if not awaited:
                raise Conflict("The example was decided meanwhile; dismiss the flag.", "outcome")
            examples.reject_example(example=example)
            cancel_slots(example_id=example.pk)


def open_flags() -> list[ItemFlag]:
    """What waits for a manager, newest first, up to 200."""
    flags = ItemFlag.objects.filter(status=FlagStatus.OPEN)
    return list(flags.select_related("slot__example__agent", "slot__queue", "expert").order_by("-created_at")[:200])
