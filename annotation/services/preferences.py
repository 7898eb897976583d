"""Items that compare two outputs: which stands on which side, and what the comparisons come to."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from annotation.models import ExpertAnnotation, Preferred, Slot
from annotation.verdicts import majority
from learning.models import ExampleType, LearningExample, ReviewStatus
from learning.services import examples
from organizations.errors import Refused

LEFT, EQUAL, RIGHT = "left", "equal", "right"
SIDES = (LEFT, EQUAL, RIGHT)


@dataclass(frozen=True)
class Pair:
    """The two outputs of an item, by the side on which this person sees them."""

    left: str
    right: str


def is_comparison(example: LearningExample) -> bool:
    """Whether two outputs are to be compared."""
    return example.example_type == ExampleType.PREFERENCE


def pair_of(*, slot: Slot, expert: Any) -> Pair | None:
    """The two outputs in the order drawn for this person and item; None when the item compares nothing."""
    example = slot.example
    if not is_comparison(example):
        return None
    outputs = (example.expected_output, example.rejected_output)
    return Pair(*outputs) if _expected_is_left(slot, expert) else Pair(*reversed(outputs))


def preferred_by_side(*, slot: Slot, expert: Any, better: str) -> str:
    """What "left", "equal" or "right" means for this person's view of the item. Raises Refused for anything else."""
    if better not in SIDES:
        raise Refused(f"Choose one of {', '.join(SIDES)}.", "better")
    if better == EQUAL:
        return Preferred.EQUAL
    return Preferred.EXPECTED if (better == LEFT) == _expected_is_left(slot, expert) else Preferred.REJECTED


def check_preference(*, example: LearningExample, decision: str, preferred: str) -> None:
    """Raises Refused for an approved comparison without a preference, and for a preference of something else."""
    if is_comparison(example) and decision == "approve" and not preferred:
        raise Refused("Say which output is better, or that both are equally good.", "better")
    if preferred and not is_comparison(example):
        raise Refused("This item has one output: there is nothing to prefer.", "better")


def push_preference(*, example: LearningExample, opinions: list[ExpertAnnotation], quality_score: float | None) -> None:
    """The better output becomes the expected one. Where neither is, nothing can be learned from the pair."""
    preferred = majority([opinion.preferred for opinion in opinions])
    better, worse = example.expected_output, example.rejected_output
    if preferred == Preferred.REJECTED:
        better, worse = worse, better
    if preferred in (Preferred.EXPECTED, Preferred.REJECTED):
        examples.approve_example(
            example=example,
            expected_output=better,
            rejected_output=worse,
            quality_score=quality_score,
            approval=opinions[-1].pk,
        )
    else:
        examples.reject_example(example=example, quality_score=quality_score)


def outputs_before(example: LearningExample) -> dict[str, str]:
    """The outputs of an approved comparison as its reviewers saw them, where their verdict exchanged them."""
    if not is_comparison(example) or not exchanged({example.pk}):
        return {}
    return {"expected_output": example.rejected_output, "rejected_output": example.expected_output}


def exchanged(example_ids: Collection[UUID]) -> set[UUID]:
    """Those of these comparisons that were approved with their outputs exchanged."""
    opinions = ExpertAnnotation.objects.counted().filter(
        example__in=example_ids, example__review_status=ReviewStatus.APPROVED, decision="approve"
    )
    said = defaultdict(list)
    for example_id, preferred in opinions.order_by("id").values_list("example_id", "preferred"):
        said[example_id].append(preferred)
    return {example_id for example_id, words in said.items() if majority(words) == Preferred.REJECTED}


def _expected_is_left(slot: Slot, expert: Any) -> bool:
    """Drawn once for each person and item, so that loading the page again shows the same."""
    return bool(hashlib.sha256(f"{slot.pk}:{expert.pk}".encode()).digest()[0] & 1)
