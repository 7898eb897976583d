"""Saying that a job is being worked on while one of its steps takes longer than a worker may be silent."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID

from django.db import connection

from learning.services import jobs
from learning.services.jobs import Work
from organizations.scope import current_organization_id, organization_scope

BEAT = 10.0  # seconds


@contextmanager
def kept_alive(work: Work) -> Iterator[None]:
    """Beat from beside the step's transaction, to be seen."""
    organization_id, over = current_organization_id(), Event()
    # Of its own context: the scope in it is that of another transaction, on another connection.
    beating = Thread(target=contextvars.Context().run, args=(_beat, organization_id, work, over), daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def _beat(organization_id: UUID, work: Work, over: Event) -> None:
    try:
        while not over.wait(BEAT):
            with organization_scope(organization_id):
                jobs.beat_job(work=work)
    finally:
        connection.close()
