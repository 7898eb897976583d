"""An example on its way to a verdict. The review itself lies above and calls down to here."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from learning.models import Job, JobKind, LearningExample, ReviewStatus
from organizations.transitions import move

AWAITING = (ReviewStatus.PENDING, ReviewStatus.IN_REVIEW)


def begin_review(*, example: LearningExample, **texts: str) -> None:
    """Somebody has looked at the example and it is not decided; a decided one is opened again.

    texts: outputs of the example to be put back as they were. Raises Conflict when it was changed meanwhile.
    """
    if example.review_status != ReviewStatus.IN_REVIEW:
        move(example, ReviewStatus.IN_REVIEW, field="review_status", **texts)


def oldest_unprepared() -> datetime | None:
    """Since when an example waits to be prepared; None when none does."""
    waiting = LearningExample.objects.filter(prepared_version=0).order_by("id")
    return waiting.values_list("created_at", flat=True).first()


def were_reopened_since(moment: datetime) -> bool:
    """Whether an action on many examples, or an import of new texts, has sent old ones back to review since then."""
    reopening = Q(kind=JobKind.BULK_ACTION, request__action__name="reopen") | Q(kind=JobKind.UNDO)
    reopening |= Q(kind=JobKind.IMPORT, request__wishes__update=True, request__wishes__dry_run=False)
    return Job.objects.filter(reopening, heartbeat_at__gte=moment).exists()
