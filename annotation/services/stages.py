"""From the opinions of a stage to what becomes of the example."""

from __future__ import annotations

from annotation.models import AfterReject, AnnotationQueue, Decision, ExpertAnnotation, Slot, SlotKind, SlotStatus
from annotation.ordering import with_disagreement
from annotation.services.leases import cancel_slots
from annotation.services.preferences import push_preference
from annotation.services.reliability import weight_of
from annotation.verdicts import disagreement, majority
from learning.models import ExampleType, LearningExample, ReviewStatus
from learning.services import examples
from learning.services.review import begin_review
from learning.services.weights import weigh_examples
from organizations import audit
from organizations.errors import Refused


def settle_stage(*, slot: Slot, example: LearningExample) -> None:
    """After a review: wait for the others, add a reviewer, ask for adjudication, open the next stage, or push down.

    The caller holds the lock on the example, so that of two who finish at once the second sees the first.
    """
    wanted = Slot.objects.filter(
        example=example, stage=slot.stage, round=slot.round, status__in=[SlotStatus.OPEN, SlotStatus.CLAIMED]
    )
    if wanted.exclude(kind=SlotKind.GOLD).exists():
        begin_review(example=example)
        return
    said = said_about(example)
    opinions = [opinion for opinion in said if (opinion.stage, opinion.round) == (slot.stage, slot.round)]
    decision = _agreed(slot, opinions)
    if decision is None:
        begin_review(example=example)
        ask_another(slot, example, opinions)
        return
    if decision == Decision.APPROVE and open_next_stage(slot=slot, example=example, stage=slot.stage):
        begin_review(example=example)
        return
    if example.review_status != ReviewStatus.PENDING:  # from there to the verdict in one step
        begin_review(example=example)
    push_verdict(example=example, decision=decision, opinions=opinions, queue=slot.queue, said=said)


def push_verdict(
    *,
    example: LearningExample,
    decision: str,
    opinions: list[ExpertAnnotation],
    queue: AnnotationQueue | None = None,
    said: list[ExpertAnnotation] | None = None,
) -> None:
    """Tell learning, and end the reviews that are still open. Raises Conflict when somebody changed the example.

    `said`: all that was said about the example, where it is known already.
    """
    agreeing = [opinion for opinion in opinions if opinion.decision == decision]
    back = queue is not None and queue.on_reject == AfterReject.REVISION
    if decision == Decision.APPROVE and example.example_type == ExampleType.PREFERENCE:
        push_preference(example=example, opinions=agreeing, quality_score=mean_score(agreeing))
    elif decision == Decision.APPROVE:
        examples.approve_example(
            example=example,
            expected_output=right_output(example, opinions, said),
            quality_score=mean_score(agreeing),
            approval=agreeing[-1].pk,
        )
    elif decision == Decision.REJECT and not back:
        examples.reject_example(example=example)
    else:
        examples.return_example(example=example)
    if queue is not None and (weight := weight_of(opinions=opinions, queue=queue)) is not None:
        weigh_examples(weights={example.pk: weight})
    cancel_slots(example_id=example.pk)


def open_next_stage(*, slot: Slot, example: LearningExample, stage: str) -> bool:
    """Ask for the reviews of the stage after `stage`; False when it was the last."""
    following = _stage_after(slot.queue, stage)
    if following is not None:
        numbers = list(range(1, slot.queue.reviews_per_item + 1))
        _make_slots(slot, example, following, numbers, kind=SlotKind.REVIEW)
    return following is not None


def right_output(
    example: LearningExample, opinions: list[ExpertAnnotation], said: list[ExpertAnnotation] | None = None
) -> str:
    """What the agent should have answered: the last correction of an expert who approved, else what was proposed."""
    corrections = [
        opinion.corrected_output
        for opinion in opinions
        if opinion.decision == Decision.APPROVE and opinion.corrected_output
    ]
    text = corrections[-1] if corrections else proposed_output(example, said=said)
    if not text.strip():
        raise Refused("There is no right output yet: write one before you approve.", "corrected_output")
    return text


def proposed_output(
    example: LearningExample, before_stage: str | None = None, *, said: list[ExpertAnnotation] | None = None
) -> str:
    """What is to be judged: the correction of an earlier stage, else the example's, else the agent's own output.

    `said`: all that was said about the example, where it is known already.
    """
    for opinion in reversed(said_about(example) if said is None else said):
        if opinion.decision != Decision.APPROVE or not opinion.corrected_output:
            continue
        if before_stage is None or opinion.stage != before_stage:  # reviewers of one stage do not see each other's work
            return opinion.corrected_output
    return example.expected_output or example.original_output


def said_about(example: LearningExample) -> list[ExpertAnnotation]:
    """Every opinion that counts about the example, of any stage and round, oldest first, with who said it."""
    return list(ExpertAnnotation.objects.counted().filter(example=example).select_related("expert").order_by("id"))


def opinions_at(example: LearningExample, stage: str, round: int = 1) -> list[ExpertAnnotation]:
    """The opinions that count at a stage, oldest first."""
    return list(ExpertAnnotation.objects.counted().filter(example=example, stage=stage, round=round).order_by("id"))


def mean_score(opinions: list[ExpertAnnotation]) -> float | None:
    """The mean of the scores that were given (0-1); None when nobody scored."""
    scores = [score for opinion in opinions for score in opinion.scores]
    return sum(scores) / len(scores) if scores else None


def current_round(example: LearningExample) -> int:
    """How often the example has come in for review, this time included."""
    newest = Slot.objects.filter(example=example).exclude(kind=SlotKind.GOLD).order_by("-round").first()
    return newest.round if newest else 1


def _agreed(slot: Slot, opinions: list[ExpertAnnotation]) -> str | None:
    """The decision, where the opinions agree well enough; an adjudicator's stands for itself."""
    final = [opinion.decision for opinion in opinions if opinion.kind == SlotKind.ADJUDICATION]
    if final:
        return final[-1]
    decisions = [opinion.decision for opinion in opinions]
    if disagreement(decisions) > slot.queue.disagreement_threshold:
        return None
    return majority(decisions)


def ask_another(slot: Slot, example: LearningExample, opinions: list[ExpertAnnotation]) -> None:
    """One more reviewer, before others' items of its type; after the last of them an adjudicator."""
    apart = disagreement([opinion.decision for opinion in opinions])
    numbers = Slot.objects.filter(
        example=example, stage=slot.stage, round=slot.round, kind=SlotKind.REVIEW
    ).values_list("number", flat=True)
    highest = max(numbers, default=0)
    kind, number = SlotKind.REVIEW, highest + 1
    if highest >= slot.queue.most_reviews:
        kind, number = SlotKind.ADJUDICATION, 1
        audit.record(
            action="learningexample.disputed", target=example,
            after={"stage": slot.stage, "opinions": len(opinions), "disagreement": round(apart, 3)},
        )  # fmt: skip
    _make_slots(slot, example, slot.stage, [number], kind=kind, tiebreak=with_disagreement(slot.tiebreak, apart))


def _stage_after(queue: AnnotationQueue, stage: str) -> str | None:
    stages = queue.stages
    place = stages.index(stage) + 1 if stage in stages else len(stages)
    return stages[place] if place < len(stages) else None


def _make_slots(
    like: Slot, example: LearningExample, stage: str, numbers: list[int], *, kind: str, tiebreak: float | None = None
) -> None:
    Slot.objects.bulk_create(
        [
            Slot(
                queue=like.queue, example=example, kind=kind, stage=stage, round=like.round, number=number,
                priority=like.priority, tiebreak=like.tiebreak if tiebreak is None else tiebreak,
                waiting_since=like.waiting_since, agent_id=like.agent_id, domain=like.domain,
                example_type=like.example_type,
            )
            for number in numbers
        ],
        ignore_conflicts=True,
    )  # fmt: skip
