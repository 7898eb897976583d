"""The review queue is in the order of what the quality predictor says now: what it cannot tell comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import AnnotationQueue, QueueSeat, Slot
from annotation.ordering import urgency_of
from annotation.services.claims import claim_next
from annotation.services.filling import fill_queue
from annotation.services.reordering import reorder_queue
from learning.models import Agent, AgentFeedback, InsightReport, LearningExample, QualityModel
from learning.services.insight_quality import predict_waiting
from learning.services.preparation import prepare_waiting
from tests import factories

# Quality is 1 for an answer of few words and falls with each: it cannot tell about answers of 50 words.
MODEL = {
    "kind": "ridge", "features": ["answer.words"], "usual": [50], "scale": [50],
    "body": {"intercept": 0.5, "weights": [-0.5]}, "margin": 0.2, "confidence": 0.9,
}  # fmt: skip
SURE, UNSURE = "word " * 2, "word " * 50


def look(agent: Agent, number: int = 1, used: bool = True) -> InsightReport:
    """A report with a quality model."""
    now = timezone.now()
    report = InsightReport.objects.create(agent=agent, number=number, trigger="person", since=now, until=now)
    QualityModel.objects.create(report=report, used=used, reason="Because.", content=MODEL if used else {})
    return report


def order(expert: Any, queue: AnnotationQueue, count: int) -> list[LearningExample]:
    found = []
    for _ in range(count):
        slot = claim_next(expert=factories.make_user(queue.organization, "expert"), queue=queue)
        assert slot is not None
        found.append(slot.example)
    return found


def test_what_waits_already_moves_when_a_look_foretells_it(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    sure, unsure = (factories.make_example(agent, original_output=text) for text in (SURE, UNSURE))
    fill_queue(queue=queue)
    assert reorder_queue(queue=queue) == 0, "nothing was foretold yet"
    look(agent)
    assert predict_waiting(agent=agent) == 2
    assert reorder_queue(queue=queue) == 1
    queue.refresh_from_db()
    assert reorder_queue(queue=queue) == 0, "the order is that of this look"
    assert order(expert, queue, 2) == [unsure, sure]


def test_what_comes_later_is_foretold_when_it_is_prepared(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    look(agent)
    other = factories.make_example(factories.make_agent(), original_output=SURE, prepared_version=0)
    sure, unsure = (factories.make_example(agent, original_output=text, prepared_version=0) for text in (SURE, UNSURE))
    prepare_waiting()
    found = dict(LearningExample.objects.values_list("pk", "predicted_quality"))
    assert found == {other.pk: None, sure.pk: pytest.approx(0.98), unsure.pk: pytest.approx(0.5)}
    assert order(expert, queue, 3)[-1] == sure


def test_a_predictor_that_is_not_used_any_more_gives_its_order_back(agent: Agent, queue: AnnotationQueue) -> None:
    look(agent)
    factories.make_example(agent, original_output=SURE, prepared_version=0)
    prepare_waiting()
    fill_queue(queue=queue)
    assert urgency_of(Slot.objects.get().tiebreak).uncertainty < 0.05
    look(agent, 2, used=False)
    predict_waiting(agent=agent)
    assert reorder_queue(queue=queue) == 1 and urgency_of(Slot.objects.get().tiebreak).uncertainty == 1


def test_only_the_last_digits_of_the_order_change(agent: Agent, queue: AnnotationQueue) -> None:
    said = AgentFeedback.objects.create(agent=agent, feedback_type="report_issue", issue_categories=["unsafe"])
    factories.make_example(agent, original_output=SURE, source_feedback=said)
    fill_queue(queue=queue)
    slot = Slot.objects.get()
    Slot.objects.update(tiebreak=slot.tiebreak - 400_000)
    before = urgency_of(Slot.objects.get().tiebreak)
    look(agent), predict_waiting(agent=agent), reorder_queue(queue=queue)
    after = urgency_of(Slot.objects.get().tiebreak)
    assert (after.severity, after.disagreement) == (before.severity, before.disagreement) == (3, 400 / 999)
    assert after.uncertainty == pytest.approx(0.04, abs=0.001)


def test_a_person_is_given_what_moved_before_their_place(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    first, second = (factories.make_example(agent, original_output=SURE) for _ in range(2))
    slot = claim_next(expert=expert, queue=queue)
    assert slot is not None and slot.example_id == first.pk
    QueueSeat.objects.update(passed_at=timezone.now() + timedelta(seconds=30))
    look(agent), predict_waiting(agent=agent)
    assert reorder_queue(queue=queue) == 1, "what somebody holds stays where it is"
    assert not QueueSeat.objects.exclude(passed_at=None).exists() and second.pk
