"""An example on its way to a verdict. The review itself lies above and calls down to here."""

from __future__ import annotations

from learning.models import LearningExample, ReviewStatus
from organizations.transitions import move

AWAITING = (ReviewStatus.PENDING, ReviewStatus.IN_REVIEW)


def begin_review(*, example: LearningExample, **texts: str) -> None:
    """Somebody has looked at the example and it is not decided; a decided one is opened again.

    texts: outputs of the example to be put back as they were. Raises Conflict when it was changed meanwhile.
    """
    if example.review_status != ReviewStatus.IN_REVIEW:
        move(example, ReviewStatus.IN_REVIEW, field="review_status", **texts)
