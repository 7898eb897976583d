"""Examples that the quality predictor is sure of, approved without a person where the queue allows it."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from annotation.models import AnnotationQueue
from annotation.services.leases import cancel_slots
from learning.models import LearningExample, ReviewStatus
from learning.services import examples
from organizations import audit
from organizations.scope import current_organization_id

BATCH = 200  # examples in one transaction
PARTS = 10_000
# Chosen by a hash of the example, so that looking again chooses the same ones for people.
SURE = """
SELECT e.id FROM learning_learningexample e
WHERE e.organization_id = %(organization)s AND e.review_status = 'pending' AND e.predicted_quality >= %(threshold)s
  AND e.prepared_version > 0 AND e.quality_flags = '{}'
  AND coalesce(nullif(e.expected_output, ''), e.original_output) ~ '[^[:space:]]'
  AND (%(agent)s::uuid IS NULL OR e.agent_id = %(agent)s) AND (%(domain)s = '' OR e.domain = %(domain)s)
  AND (%(types)s::text[] = '{}' OR e.example_type = ANY(%(types)s))
  AND (hashtextextended(e.id::text, 0) & 2147483647) %% 10000 >= %(people)s
  AND NOT EXISTS (SELECT 1 FROM annotation_slot s WHERE s.organization_id = e.organization_id AND s.example_id = e.id
                  AND s.kind <> 'gold' AND (s.queue_id <> %(queue)s OR s.status <> 'open'))
ORDER BY e.created_at LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED
"""


def auto_approve(*, queue: AnnotationQueue) -> int:
    """Approve what is predicted to be at least as good as annotation.auto_approve_threshold; how many were.

    Only in a queue that allows it, only what was prepared without a flag, and never what a person has begun to review.
    `audit_share` of them still goes to people. Each approval is in the audit with the prediction that it rests on; no
    quality is claimed that nobody saw.
    """
    if not queue.auto_approve:
        return 0
    threshold = settings.LEARNING["annotation"]["auto_approve_threshold"]
    with connection.cursor() as cursor:
        cursor.execute(
            SURE,
            {
                "organization": current_organization_id(), "threshold": threshold, "agent": queue.agent_id,
                "domain": queue.domain, "types": queue.example_types, "people": round(queue.audit_share * PARTS),
                "queue": queue.id, "batch": BATCH,
            },
        )  # fmt: skip
        chosen = [row[0] for row in cursor.fetchall()]
    for example in LearningExample.objects.filter(pk__in=chosen, review_status=ReviewStatus.PENDING):
        _approve(example, queue, threshold)
    return len(chosen)


def _approve(example: LearningExample, queue: AnnotationQueue, threshold: float) -> None:
    examples.approve_example(example=example, expected_output=example.expected_output or example.original_output)
    cancel_slots(example_id=example.pk)
    audit.record(
        action="example.auto_approved",
        target=example,
        after={"queue": queue.name, "predicted_quality": example.predicted_quality, "threshold": threshold},
    )
