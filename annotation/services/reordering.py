"""The order of what waits, made anew when the quality predictor has said something else."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from annotation.models import AnnotationQueue, QueueSeat
from annotation.ordering import STEPS
from annotation.services.filling import UNCERTAINTY
from learning.services.insight_reading import were_predictions_made_since
from organizations.scope import current_organization_id

# annotation.ordering says what the numbers mean: the last three digits are the uncertainty. In the order of the keys,
# so that two who do it at the same time never wait in a circle; what somebody is about to claim stays where it is.
MOVE = f"""
UPDATE annotation_slot SET tiebreak = moved.wanted, updated_at = now() FROM (
  SELECT s.id, -(round(-s.tiebreak::numeric) - mod(round(-s.tiebreak::numeric), 1000)
    + round(({UNCERTAINTY} * %(steps)s)::numeric))::float8 AS wanted
  FROM annotation_slot s
  JOIN learning_learningexample e ON e.organization_id = s.organization_id AND e.id = s.example_id
  WHERE s.organization_id = %(organization)s AND s.queue_id = %(queue)s AND s.waiting AND s.status = 'open'
    AND s.kind <> 'gold'
  ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED) moved
WHERE annotation_slot.id = moved.id AND annotation_slot.tiebreak <> moved.wanted
"""  # noqa: S608  only constants are put together; every value is a parameter


def reorder_queue(*, queue: AnnotationQueue) -> int:
    """Put what waits in the order of the newest predictions; how many items moved. Nothing without new ones."""
    now = timezone.now()
    if not were_predictions_made_since(queue.ordered_at):
        return 0
    values: dict[str, Any] = {"organization": current_organization_id(), "queue": queue.pk, "steps": STEPS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MOVE, values)
        moved = int(cursor.rowcount)
        AnnotationQueue.objects.filter(pk=queue.pk).update(ordered_at=now)
        if moved:  # what lies before the place of a seat may be another item now
            QueueSeat.objects.filter(queue=queue).update(passed_at=None)
    return moved
