"""Queues, and the slots that are made for what waits in them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from annotation.models import AnnotationQueue
from annotation.models.queues import BEGINNING
from learning.models import Agent, ExampleType
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.scope import current_organization_id

DEFAULT_NAME = "All examples"
BATCH = 5_000  # examples that get their slots in one go
# An example becomes visible when its transaction ends, so some appear behind the mark: look back this far.
OVERLAP = timedelta(minutes=10)
MARK_EVERY = timedelta(minutes=1)

# Time-ordered keys (UUIDv7) made inside the database: milliseconds since 1970 in front of random bits.
UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
  52, 1), 53, 1), 'hex')::uuid"""
FILL = f"""
INSERT INTO annotation_slot (id, organization_id, created_at, updated_at, queue_id, example_id, stage, number, status,
                             priority, tiebreak, waiting_since, skipped_by)
SELECT {UUID7}, e.organization_id, now(), now(), %(queue)s, e.id, %(stage)s, n, 'open',
       coalesce(array_position(%(order)s::text[], e.example_type::text), cardinality(%(order)s::text[]) + 1),
       0, e.created_at, '{{}}'
FROM (
  SELECT e.* FROM learning_learningexample e
  WHERE e.organization_id = %(organization)s AND e.review_status = 'pending' AND e.created_at >= %(since)s
    AND (%(agent)s::uuid IS NULL OR e.agent_id = %(agent)s)
    AND (%(domain)s = '' OR e.domain = %(domain)s)
    AND (%(types)s::text[] = '{{}}' OR e.example_type = ANY(%(types)s))
    AND NOT EXISTS (SELECT 1 FROM annotation_slot s WHERE s.organization_id = e.organization_id
                    AND s.example_id = e.id AND s.stage = %(stage)s)
    AND NOT EXISTS (
      SELECT 1 FROM annotation_annotationqueue q WHERE q.organization_id = e.organization_id AND q.active
        AND num_nonnulls(q.agent_id, nullif(q.domain, ''), nullif(q.example_types, '{{}}')) > %(filters)s
        AND (q.agent_id IS NULL OR q.agent_id = e.agent_id) AND q.domain IN ('', e.domain)
        AND (q.example_types = '{{}}' OR e.example_type = ANY(q.example_types)))
  ORDER BY e.created_at LIMIT %(batch)s
) e CROSS JOIN generate_series(1, %(reviews)s) n
ORDER BY e.id, n  -- one order for all who fill at the same time, so that they never wait in a circle
ON CONFLICT DO NOTHING
"""  # noqa: S608  only constants are put together; every value is a parameter
# Many claim at once and one of them moves the mark; the others do not wait for it.
MARK = """
UPDATE annotation_annotationqueue SET filled_to = %(to)s WHERE id = (
  SELECT id FROM annotation_annotationqueue WHERE id = %(queue)s AND filled_to < %(from)s FOR UPDATE SKIP LOCKED)
"""


def default_queue() -> AnnotationQueue | None:
    """The oldest active queue; made when the organization has no queue at all. None when all are paused."""
    queue = AnnotationQueue.objects.filter(active=True).order_by("id").first()
    if queue is None and not AnnotationQueue.objects.exists():
        AnnotationQueue.objects.bulk_create([AnnotationQueue(name=DEFAULT_NAME)], ignore_conflicts=True)
        queue = AnnotationQueue.objects.get(name=DEFAULT_NAME)
    return queue


def list_queues() -> list[AnnotationQueue]:
    """The active queues, oldest first."""
    return list(AnnotationQueue.objects.filter(active=True).order_by("id"))


def create_queue(
    *,
    name: str,
    agent: Agent | None = None,
    domain: str = "",
    example_types: list[str] | None = None,
    reviews_per_item: int = 1,
    stages: list[str] | None = None,
) -> AnnotationQueue:
    """A queue of its own for a part of the examples.

    Raises Refused for an unknown example type, for repeated or empty stages, and for fewer than 1 or more than 20
    reviews; Conflict for a name that is taken.
    """
    unknown = sorted(set(example_types or []) - set(ExampleType.values))
    if unknown:
        raise Refused(f"Unknown example type {', '.join(unknown)}.", "example_types")
    if stages is not None and (not stages or len(set(stages)) < len(stages) or not all(stages)):
        raise Refused("Name at least one stage, each once.", "stages")
    if not 1 <= reviews_per_item <= 20:
        raise Refused("Ask for 1 to 20 reviews of each item.", "reviews_per_item")
    if AnnotationQueue.objects.filter(name=name).exists():
        raise Conflict(f"There is a queue called {name!r} already.", "name")
    values = {"stages": stages} if stages else {}
    queue = AnnotationQueue.objects.create(
        name=name, agent=agent, domain=domain, example_types=example_types or [],
        reviews_per_item=reviews_per_item, **values,
    )  # fmt: skip
    audit.record(action="queue.created", target=queue, after={"name": name, "stages": queue.stages})
    return queue


def fill_queue(*, queue: AnnotationQueue, whole: bool = False) -> int:
    """Make the missing slots of pending examples; how many were made.

    An example goes to one queue: to an active one with more filters rather than to one with fewer, else to the first.
    Looks at what is newer than the queue's mark, or at everything when `whole` (after filters changed, or for examples
    that became pending again).
    """
    began = timezone.now()
    since = BEGINNING if whole else queue.filled_to - OVERLAP
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "organization": current_organization_id(), "queue": queue.id, "stage": queue.stages[0], "since": since,
                "order": settings.LEARNING["annotation"]["queue_priority"], "agent": queue.agent_id,
                "domain": queue.domain, "types": queue.example_types, "batch": BATCH, "reviews": queue.reviews_per_item,
                "filters": sum(map(bool, (queue.agent_id, queue.domain, queue.example_types))),
            },
        )  # fmt: skip
        made = cursor.rowcount
        if made < BATCH and queue.filled_to < began - MARK_EVERY:
            cursor.execute(MARK, {"queue": queue.id, "to": began, "from": began - MARK_EVERY})
    return int(made)


def fill_all() -> None:
    """Make the missing slots of every active queue, the oldest first; the first queue too where there is none."""
    default_queue()
    for queue in list_queues():
        fill_queue(queue=queue)
