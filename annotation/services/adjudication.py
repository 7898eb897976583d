"""Items whose reviewers disagree: all opinions side by side, and somebody who decides."""

from __future__ import annotations

from typing import Any

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot, SlotKind
from annotation.services.claims import claim_next
from annotation.services.queues import list_queues


def claim_dispute(*, expert: Any, queue: AnnotationQueue | None = None) -> Slot | None:
    """The next disputed item, with a lease like any other; of the first queue that has one when none is named.

    Its review decides the stage alone. Never one that this person has an opinion on already.
    """
    for one in [queue] if queue else list_queues(expert=expert):
        slot = claim_next(expert=expert, queue=one, kind=SlotKind.ADJUDICATION)
        if slot is not None:
            return slot
    return None


def opinions_for(*, slot: Slot, expert: Any, said: list[ExpertAnnotation]) -> list[ExpertAnnotation]:
    """What others said that this person may see while they review the slot, of all that was `said` about its example.

    An adjudicator sees all of it. In an open queue so does everybody; in a blind one reviewers see the stages before.
    Nobody sees any of it who does not hold the slot.
    """
    if slot.kind == SlotKind.GOLD or slot.claimed_by_id != expert.pk:
        return []
    others = [opinion for opinion in said if opinion.round == slot.round and opinion.expert_id != expert.pk]
    if slot.kind == SlotKind.REVIEW and slot.queue.blind:
        return [opinion for opinion in others if opinion.stage != slot.stage]
    return others
