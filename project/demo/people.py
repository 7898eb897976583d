"""The people of the demo. Who presses the button is simulated; the texts and the right answers are real ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from annotation.models import AnnotationQueue, Decision
from annotation.services.claims import claim_next
from annotation.services.opinions import Opinion
from annotation.services.submissions import submit_annotation
from learning.models import LearningExample
from organizations.models import User
from project.demo.application import Answer
from project.demo.data import Item

REACTS, CORRECTS, SLIPS = 0.92, 0.93, 0.03  # shares of the staff's answers


@dataclass
class Staff:
    """The application's own staff. They know the right answer and need exactly that word; a few slip."""

    labels: list[str]
    seed: int
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def react(self, answer: Answer) -> dict[str, Any] | None:
        """Feedback on an answer, in the fields of the API; None for those who say nothing."""
        if self._rng.random() > REACTS:
            return None
        if answer.item.is_answered_by(answer.output):
            return {"feedback_type": "thumbs_up"}
        if self._rng.random() > CORRECTS:
            return {"feedback_type": "thumbs_down"}
        named = answer.item.is_named_in(answer.output)
        return {
            "feedback_type": "correction",
            "correction_text": self._what_it_should_be(answer.item),
            "issue_categories": ["formatting" if named else "incorrect"],
        }

    def _what_it_should_be(self, item: Item) -> str:
        if self._rng.random() > SLIPS:
            return item.expected
        return self._rng.choice([label for label in self.labels if label != item.expected])


@dataclass(frozen=True)
class Visitor:
    """An end user of the experiment. Every second one is content when the right word occurs somewhere."""

    number: int

    def name(self, agent: str) -> str:
        return f"{agent}-visitor-{self.number}"

    def rate(self, answer: Answer) -> dict[str, Any]:
        item = answer.item
        pleased = item.is_named_in(answer.output) if self.number % 2 else item.is_answered_by(answer.output)
        return {"feedback_type": "thumbs_up" if pleased else "thumbs_down"}


@dataclass(frozen=True)
class Expert:
    """Works the queue one by one and knows the right answers, so that slips of the staff are put right."""

    user: User
    right_answers: dict[str, str]  # by text

    def review_next(self, queue: AnnotationQueue) -> bool:
        """Claim one item and decide; False when nothing is left."""
        slot = claim_next(expert=self.user, queue=queue)
        if slot is None or slot.lease_token is None:
            return False
        submit_annotation(
            expert=self.user, slot_id=slot.pk, lease_token=slot.lease_token, opinion=self._judge(slot.example)
        )
        return True

    def _judge(self, example: LearningExample) -> Opinion:
        right = self.right_answers.get(example.input_text)
        if right is None:
            return Opinion(decision=Decision.REQUEST_CHANGES, notes="Not a text of mine.")
        slipped = example.expected_output != right
        return Opinion(
            decision=Decision.APPROVE,
            technical_accuracy=1.0,
            clarity=1.0,
            corrected_output=right if slipped else "",
            notes="The correction itself was wrong." if slipped else "",
            confidence=0.9,
        )
