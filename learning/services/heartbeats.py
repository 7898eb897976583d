"""Saying that work goes on while one of its steps takes longer than a worker may be silent."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID

from django.db import connection

from learning.services import jobs
from learning.services.jobs import Work
from organizations.scope import current_organization_id, organization_scope

log = logging.getLogger(__name__)
BEAT = 10.0  # seconds


@contextmanager
def kept_alive(work: Work) -> Iterator[None]:
    """Beat from beside the step's transaction, to be seen."""
    with beating(current_organization_id(), lambda: jobs.beat_job(work=work), BEAT):
        yield


@contextmanager
def beating(organization_id: UUID, beat: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call `beat` so often, in a transaction of its own."""
    over = Event()

    def go_on() -> None:
        try:
            while not over.wait(seconds):
                _beat_once(organization_id, beat)
        finally:
            connection.close()

    # Of its own context: the scope in it is that of another transaction, on another connection.
    thread = Thread(target=contextvars.Context().run, args=(go_on,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat_once(organization_id: UUID, beat: Callable[[], None]) -> None:
    try:
        with organization_scope(organization_id):
            beat()
    except Exception as error:  # the database may be away for a moment: the next beat finds it again
        log.warning("A heartbeat was missed: %s", error)
        connection.close()
