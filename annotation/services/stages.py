"""From the opinions of a stage to what becomes of the example."""

from __future__ import annotations

from annotation.models import AnnotationQueue, Decision, ExpertAnnotation, Slot, SlotStatus
from annotation.services.claims import cancel_slots
from annotation.verdicts import majority
from learning.models import LearningExample
from learning.services import examples
from learning.services.review import begin_review
from organizations.errors import Refused

MOST_EXTRA_REVIEWS = 2  # reviewers added for a tie before the example goes back for revision


def settle_stage(*, slot: Slot, example: LearningExample) -> None:
    """After a review: wait for the others, break a tie, open the next stage, or push the verdict down.

    The caller holds the lock on the example, so that of two who finish at once the second sees the first.
    """
    wanted = Slot.objects.filter(example=example, stage=slot.stage, status__in=[SlotStatus.OPEN, SlotStatus.CLAIMED])
    if wanted.exists():
        begin_review(example=example)
        return
    opinions = opinions_at(example, slot.stage)
    decision = majority([opinion.decision for opinion in opinions])
    if decision is None:
        decision = _break_tie(slot, example)
    next_stage = _stage_after(slot.queue, slot.stage)
    if decision is None:
        begin_review(example=example)
    elif decision == Decision.APPROVE and next_stage:
        _open_stage(slot.queue, example, next_stage)
        begin_review(example=example)
    else:
        push_verdict(example=example, decision=decision, opinions=opinions)


def push_verdict(*, example: LearningExample, decision: str, opinions: list[ExpertAnnotation]) -> None:
    """Tell learning, and end the reviews that are still open. Raises Conflict when somebody changed the example."""
    if decision == Decision.APPROVE:
        examples.approve_example(
            example=example,
            expected_output=right_output(example, opinions),
            quality_score=mean_score([opinion for opinion in opinions if opinion.decision == decision]),
        )
    elif decision == Decision.REJECT:
        examples.reject_example(example=example)
    else:
        examples.return_example(example=example)
    cancel_slots(example_id=example.pk)


def right_output(example: LearningExample, opinions: list[ExpertAnnotation]) -> str:
    """What the agent should have answered: the last correction of an expert who approved, else what was proposed."""
    corrections = [
        opinion.corrected_output
        for opinion in opinions
        if opinion.decision == Decision.APPROVE and opinion.corrected_output
    ]
    text = corrections[-1] if corrections else proposed_output(example)
    if not text.strip():
        raise Refused("There is no right output yet: write one before you approve.", "corrected_output")
    return text


def proposed_output(example: LearningExample, before_stage: str | None = None) -> str:
    """What is to be judged: the correction of an earlier stage, else the example's, else the agent's own output."""
    earlier = (
        ExpertAnnotation.objects.counted()
        .filter(example=example, decision=Decision.APPROVE)
        .exclude(corrected_output="")
        .order_by("-id")
    )
    if before_stage is not None:
        earlier = earlier.exclude(stage=before_stage)  # reviewers of one stage do not see each other's work
    corrected = earlier.values_list("corrected_output", flat=True).first()
    return corrected or example.expected_output or example.original_output


def opinions_at(example: LearningExample, stage: str) -> list[ExpertAnnotation]:
    """The opinions that count at a stage, oldest first."""
    return list(ExpertAnnotation.objects.counted().filter(example=example, stage=stage).order_by("id"))


def mean_score(opinions: list[ExpertAnnotation]) -> float | None:
    """The mean of the scores that were given (0-1); None when nobody scored."""
    scores = [score for opinion in opinions for score in opinion.scores]
    return sum(scores) / len(scores) if scores else None


def _break_tie(slot: Slot, example: LearningExample) -> str | None:
    """One more reviewer, and None; after the last of them the example goes back for revision."""
    numbers = Slot.objects.filter(example=example, stage=slot.stage).values_list("number", flat=True)
    highest = max(numbers)
    if highest >= slot.queue.reviews_per_item + MOST_EXTRA_REVIEWS:
        return Decision.REQUEST_CHANGES
    _make_slots(slot.queue, example, slot.stage, numbers=[highest + 1], like=slot)
    return None


def _stage_after(queue: AnnotationQueue, stage: str) -> str | None:
    stages = queue.stages
    place = stages.index(stage) + 1 if stage in stages else len(stages)
    return stages[place] if place < len(stages) else None


def _open_stage(queue: AnnotationQueue, example: LearningExample, stage: str) -> None:
    first = Slot.objects.filter(example=example, queue=queue).order_by("id")[0]
    _make_slots(queue, example, stage, numbers=list(range(1, queue.reviews_per_item + 1)), like=first)


def _make_slots(queue: AnnotationQueue, example: LearningExample, stage: str, numbers: list[int], like: Slot) -> None:
    Slot.objects.bulk_create(
        [
            Slot(
                queue=queue, example=example, stage=stage, number=number,
                priority=like.priority, tiebreak=like.tiebreak, waiting_since=like.waiting_since,
            )
            for number in numbers
        ],
        ignore_conflicts=True,
    )  # fmt: skip
