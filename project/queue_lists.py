"""What a page of a long queue's list costs, for `manage.py bench_queue`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import AnnotationQueue, Slot
from annotation.services.waiting import count_slots, list_slots
from learning.models import Agent
from organizations.scope import organization_scope
from project.queue_shift import Desk

PLACES = 50  # pages read with each filter, each behind another place of the list
PAGE = 50  # items


@dataclass(frozen=True)
class Lists:
    """Seconds of each page with its bounded count, the most statements of one, and the plans that read a whole table
    or sort."""

    seconds: list[float]
    statements: int
    bad_plans: int


def read_lists(desk: Desk) -> Lists:
    """Pages behind places that are spread over the whole list, with each filter; the first of each is not timed."""
    seconds: list[float] = []
    statements = bad = 0
    with organization_scope(desk.organization.id):
        every: dict[str, Any] = {
            "queue": AnnotationQueue.objects.get(pk=desk.queue_id), "agent_id": Agent.objects.get().pk,
            "example_type": "edge_case",
        }  # fmt: skip
        # Keys of the stock are drawn at random, so that their order has nothing to do with that of the list.
        places = list(Slot.objects.filter(waiting=True).order_by("id").values_list("pk", flat=True)[:PLACES])
        for filters in ({}, *({name: value} for name, value in every.items()), every):
            with CaptureQueriesContext(connection) as asked:
                _read(filters, places[0])
            statements = max(statements, len(asked))
            bad += _is_bad(asked.captured_queries[1]["sql"])
            for place in places[1:]:
                began = time.perf_counter()
                _read(filters, place)
                seconds.append(time.perf_counter() - began)
    return Lists(seconds, statements, bad)


def _read(filters: dict[str, Any], place: Any) -> None:
    list_slots(**filters, after=place, limit=PAGE)
    count_slots(**filters)


def _is_bad(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    return "Seq Scan on annotation_slot" in plan or "Sort Key: annotation_slot" in plan
