"""A careless expert is found by items whose answer is known, and by comparing what everybody said."""

from __future__ import annotations

import random
from typing import Any

import pytest

from annotation.models import AnnotationQueue, ExpertAnnotation, GoldItem, QueueSeat, Slot, SlotKind
from annotation.services.claims import claim_next
from annotation.services.experts import expert_standings
from annotation.services.gold import add_gold, resume_expert
from annotation.services.opinions import Opinion
from annotation.services.reliability import estimate_reliability
from annotation.services.seats import Paused
from annotation.services.submissions import submit_annotation
from learning.models import Agent, LearningExample
from organizations.models import AuditEvent
from tests import factories

DECISIONS = ("approve", "reject", "request_changes")


def submit(person: Any, slot: Slot, decision: str) -> Any:
    assert slot.lease_token is not None
    opinion = Opinion(decision=decision)
    return submit_annotation(expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)


def stock_gold(queue: AnnotationQueue, agent: Agent, count: int) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(gold_share=0.5)
    queue.refresh_from_db()
    for number in range(count):
        example = factories.make_example(agent, review_status="approved")
        add_gold(queue=queue, example=example, right_decision=DECISIONS[number % 2], shown_output="positive")


def work(person: Any, queue: AnnotationQueue, accuracy: float, chance: random.Random, most: int = 400) -> int:
    """Claim and decide, rightly with this probability (approving is right outside gold); how many gold answers."""
    known = dict(GoldItem.objects.values_list("example_id", "right_decision"))
    answers = 0
    for _ in range(most):
        slot = claim_next(expert=person, queue=queue)
        if slot is None:
            break
        right = known.get(slot.example_id, "approve")
        wrong = chance.choice([one for one in DECISIONS if one != right])
        submit(person, slot, right if chance.random() < accuracy else wrong)
        answers += slot.kind == SlotKind.GOLD
    return answers


def test_a_careless_expert_is_paused_by_gold_items_and_a_careful_one_is_not(
    agent: Agent, queue: AnnotationQueue, expert: Any, second_expert: Any
) -> None:
    stock_gold(queue, agent, 16)
    for _ in range(50):
        factories.make_example(agent)
    chance = random.Random(4)
    with pytest.raises(Paused, match="A manager has been told"):
        work(expert, queue, 0.1, chance)
    seat = QueueSeat.objects.get(expert=expert)
    answered = ExpertAnnotation.objects.gold().filter(expert=expert).count()
    assert seat.paused_at and queue.gold_minimum <= answered < 16
    event = AuditEvent.objects.get(action="expert.paused")
    assert event.after["expert"] == str(expert.pk) and event.after["accuracy_at_most"] < queue.gold_bar
    assert work(second_expert, queue, 0.95, chance) == 16
    standing = next(row for row in expert_standings() if row.username == second_expert.username)
    assert standing.gold.total == 16 and standing.gold.value is not None and standing.gold.value > 0.8
    assert standing.paused_at is None


def test_a_resumed_expert_starts_anew(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    stock_gold(queue, agent, 20)
    for _ in range(40):
        factories.make_example(agent)
    with pytest.raises(Paused):
        work(expert, queue, 0, random.Random(1))
    seat = QueueSeat.objects.get(expert=expert)
    resume_expert(seat=seat)
    seat.refresh_from_db()
    (standing,) = expert_standings()
    assert seat.paused_at is None and standing.gold.total == 0
    factories.make_example(agent)
    assert claim_next(expert=expert, queue=queue) is not None


def test_gold_answers_decide_nothing_and_are_given_once(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    stock_gold(queue, agent, 4)
    assert work(expert, queue, 1, random.Random(1)) <= 4
    assert set(LearningExample.objects.values_list("review_status", flat=True)) == {"approved"}
    given = ExpertAnnotation.objects.gold().values_list("example_id", flat=True)
    assert len(set(given)) == len(given)
    assert not ExpertAnnotation.objects.counted().exists()


def test_few_wrong_answers_pause_nobody(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    """Three of five right may be bad luck: the interval reaches above the bar."""
    stock_gold(queue, agent, 5)
    answered = 0
    while answered < 5:
        slot = claim_next(expert=expert, queue=queue)
        if slot is None:
            continue
        right = GoldItem.objects.get(example=slot.example).right_decision
        submit(expert, slot, right if answered < 3 else "request_changes")
        answered += 1
    assert QueueSeat.objects.get(expert=expert).paused_at is None


def test_a_careless_expert_is_found_without_known_answers(agent: Agent, queue: AnnotationQueue) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(reviews_per_item=4, max_reviews=4)
    queue.refresh_from_db()
    people = {factories.make_user(queue.organization, "expert"): accuracy for accuracy in (0.95, 0.9, 0.9, 0.34)}
    for _ in range(40):
        factories.make_example(agent)
    chance = random.Random(9)
    for person, accuracy in people.items():
        work(person, queue, accuracy, chance)
    estimate_reliability(queue=queue)
    found = {seat.expert: seat.reliability for seat in QueueSeat.objects.select_related("expert")}
    careless = list(people)[-1]
    assert min(found, key=lambda person: found[person] or 0) == careless
    assert found[careless] < 0.6 < 0.75 < min(value for person, value in found.items() if person != careless)
    weights = LearningExample.objects.filter(review_status="approved").values_list("consensus_weight", flat=True)
    assert weights and all(weight is not None and weight > 0.5 for weight in weights)
