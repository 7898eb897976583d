"""How far each expert can be relied on, and how much weight what they settled deserves in a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from annotation.models import AnnotationQueue, Decision, ExpertAnnotation, QueueSeat
from learning.services.weights import weigh_examples

if TYPE_CHECKING:  # see docs/decisions/0011
    from annotation.reliability import Estimate, Vote

NEWEST = 20_000  # opinions that an estimate rests on
LABELS = tuple(Decision.values)


def estimate_reliability(*, queue: AnnotationQueue) -> Estimate:
    """Estimate the reliability of a queue's experts from its newest opinions, and keep it."""
    from annotation.reliability import dawid_skene  # numpy and scipy: see docs/decisions/0011

    estimate = dawid_skene(read_votes(queue=queue), LABELS)
    keep_estimate(queue=queue, estimate=estimate)
    return estimate


def read_votes(*, queue: AnnotationQueue) -> list[Vote]:
    """The newest decisions at a queue, each about an example at a stage in a round."""
    from annotation.reliability import Vote  # numpy and scipy: see docs/decisions/0011

    opinions = (
        ExpertAnnotation.objects.counted()
        .filter(slot__queue=queue, expert__isnull=False)
        .order_by("-created_at")
        .values_list("example_id", "stage", "round", "expert_id", "decision")[:NEWEST]
    )
    return [Vote((example, stage, turn), expert, decision) for example, stage, turn, expert, decision in opinions]


def keep_estimate(*, queue: AnnotationQueue, estimate: Estimate) -> None:
    """Note the reliability of each expert on their seat.

    Each approved example gets as its weight the probability that approving it was right.
    """
    now = timezone.now()
    for expert, accuracy in sorted(estimate.accuracies.items(), key=lambda pair: str(pair[0])):
        QueueSeat.objects.filter(queue=queue, expert_id=expert).update(
            reliability=accuracy, confusion=estimate.confusions[expert], estimated_at=now
        )
    weights: dict[UUID, float] = {}
    for item, shares in estimate.posteriors.items():
        example = item[0]
        weights[example] = min(weights.get(example, 1.0), shares[Decision.APPROVE])
    weigh_examples(weights=weights)


def weight_of(*, opinions: list[ExpertAnnotation], queue: AnnotationQueue) -> float | None:
    """The probability (0-1) that approving is right, given who said what and what is known about them by now.

    None while nothing is known about any of them.
    """
    votes = {opinion.expert_id: opinion.decision for opinion in opinions if opinion.expert_id}
    seats = QueueSeat.objects.filter(queue=queue, expert_id__in=list(votes)).exclude(confusion={})
    tables = dict(seats.values_list("expert_id", "confusion"))
    if not tables:
        return None
    from annotation.reliability import weigh_votes  # numpy and scipy: see docs/decisions/0011

    return weigh_votes(votes, tables, LABELS)[Decision.APPROVE]
