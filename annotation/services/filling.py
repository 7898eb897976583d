"""The slots that are made for what waits in a queue."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from annotation.models import AnnotationQueue
from annotation.models.queues import BEGINNING
from annotation.ordering import LOW_RATING, SEVERITIES, STEPS
from annotation.services.auto_approval import auto_approve
from learning.models import ReviewStatus
from learning.services.review import oldest_unprepared, were_reopened_since
from organizations.scope import current_organization_id

BATCH = 5_000  # examples that get their slots in one go
# An example becomes visible when its transaction ends, so some appear behind the mark: look back this far.
OVERLAP = timedelta(minutes=10)
MARK_EVERY = timedelta(minutes=1)
LOOK_EVERY = timedelta(seconds=5)  # how long a new example may wait until a claim takes notice of it

# Time-ordered keys (UUIDv7) made inside the database: milliseconds since 1970 in front of random bits.
UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
  52, 1), 53, 1), 'hex')::uuid"""
# annotation.ordering says what the numbers mean.
SEVERITY = """coalesce((
  SELECT greatest(
    (SELECT max(coalesce((%(severities)s::jsonb ->> issue)::int, 1)) FROM unnest(f.issue_categories) issue),
    CASE WHEN f.rating <= %(low)s THEN 2 WHEN f.feedback_type = 'thumbs_down' THEN 1 ELSE 0 END)
  FROM learning_agentfeedback f WHERE f.organization_id = e.organization_id AND f.id = e.source_feedback_id), 0)"""
UNCERTAINTY = "coalesce(1 - abs(2 * e.predicted_quality - 1), 1)"
FILL = f"""
INSERT INTO annotation_slot (id, organization_id, created_at, updated_at, queue_id, example_id, kind, stage, round,
                             number, status, priority, tiebreak, waiting_since, skipped_by, agent_id, domain,
                             example_type)
SELECT {UUID7}, e.organization_id, now(), now(), %(queue)s, e.id, 'review', %(stage)s, e.round, n, 'open',
       coalesce(array_position(%(order)s::text[], e.example_type::text), cardinality(%(order)s::text[]) + 1),
       -({SEVERITY} * 1000000 + round(({UNCERTAINTY} * %(steps)s)::numeric)), e.created_at, '{{}}', e.agent_id,
       e.domain, e.example_type
FROM (
  SELECT e.*, coalesce((SELECT max(s.round) FROM annotation_slot s WHERE s.organization_id = e.organization_id
                        AND s.example_id = e.id AND s.kind <> 'gold'), 0) + 1 AS round
  FROM learning_learningexample e
  WHERE e.organization_id = %(organization)s AND e.review_status = %(status)s AND e.created_at >= %(since)s
    AND e.prepared_version > 0
    AND (%(agent)s::uuid IS NULL OR e.agent_id = %(agent)s)
    AND (%(domain)s = '' OR e.domain = %(domain)s)
    AND (%(types)s::text[] = '{{}}' OR e.example_type = ANY(%(types)s))
    AND NOT EXISTS (SELECT 1 FROM annotation_slot s WHERE s.organization_id = e.organization_id AND s.kind <> 'gold'
                    AND s.example_id = e.id AND s.status IN ('open', 'claimed', 'set_aside'))
    AND NOT EXISTS (
      SELECT 1 FROM annotation_annotationqueue q WHERE q.organization_id = e.organization_id AND q.active
        AND num_nonnulls(q.agent_id, nullif(q.domain, ''), nullif(q.example_types, '{{}}')) > %(filters)s
        AND (q.agent_id IS NULL OR q.agent_id = e.agent_id) AND q.domain IN ('', e.domain)
        AND (q.example_types = '{{}}' OR e.example_type = ANY(q.example_types)) AND %(status)s = ANY(q.statuses))
  ORDER BY e.created_at LIMIT %(batch)s
) e CROSS JOIN generate_series(1, %(reviews)s) n
ORDER BY e.id, n  -- one order for all who fill at the same time, so that they never wait in a circle
ON CONFLICT DO NOTHING
"""  # noqa: S608  only constants are put together; every value is a parameter
# Many claim at once and one of them moves the mark; the others do not wait for it.
MARK = """
UPDATE annotation_annotationqueue SET {column} = %(to)s WHERE id = (
  SELECT id FROM annotation_annotationqueue WHERE id = %(queue)s AND {column} < %(from)s FOR UPDATE SKIP LOCKED)
"""


def fill_queue(*, queue: AnnotationQueue, whole: bool = False) -> int:
    """Make the missing slots of the queue's examples; how many were made.

    An example goes to one queue: to an active one with more filters rather than to one with fewer, else to the first.
    Only prepared examples, so that nobody sees what was not redacted. Looks at what is newer than the queue's mark, or
    at everything when `whole` (after filters changed) or when examples became pending again. What came back for
    revision is looked for everywhere.
    """
    if not queue.active:
        return 0
    began = min(filter(None, (timezone.now(), oldest_unprepared())))  # the mark never passes what still will come
    whole = whole or were_reopened_since(queue.filled_to - OVERLAP)
    if queue.auto_approve:
        auto_approve(queue=queue)
    made, complete = 0, True
    for status in queue.statuses:
        everything = whole or status != ReviewStatus.PENDING
        inserted = _fill(queue, status, since=BEGINNING if everything else queue.filled_to - OVERLAP)
        made, complete = made + inserted, complete and inserted < BATCH
    if complete and queue.filled_to < began - MARK_EVERY:
        _mark(queue, "filled_to", began, began - MARK_EVERY)
    return made


def fill_when_due(*, queue: AnnotationQueue) -> None:
    """Take notice of new examples, at most once in LOOK_EVERY; of many who claim, one does it."""
    now = timezone.now()
    if queue.looked_at > now - LOOK_EVERY:
        return
    if _mark(queue, "looked_at", now, now - LOOK_EVERY):
        fill_queue(queue=queue)


def _mark(queue: AnnotationQueue, column: str, to: datetime, older_than: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(MARK.format(column=column), {"queue": queue.id, "to": to, "from": older_than})
        return bool(cursor.rowcount)


def _fill(queue: AnnotationQueue, status: str, since: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "organization": current_organization_id(), "queue": queue.id, "stage": queue.stages[0], "since": since,
                "status": status, "order": settings.LEARNING["annotation"]["queue_priority"], "agent": queue.agent_id,
                "domain": queue.domain, "types": queue.example_types, "batch": BATCH, "reviews": queue.reviews_per_item,
                "filters": sum(map(bool, (queue.agent_id, queue.domain, queue.example_types))),
                "severities": json.dumps(SEVERITIES), "low": LOW_RATING, "steps": STEPS,
            },
        )  # fmt: skip
        return int(cursor.rowcount)
