"""When a key was last used: to the minute, and never at the cost of a request."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from organizations.actors import Actor
from organizations.models import ApiKey
from organizations.scope import organization_scope

log = logging.getLogger(__name__)
EVERY = 60.0  # seconds between two notes about a key, in each process
MAX_KEYS = 10_000  # that one process remembers

_noted: dict[UUID, float] = {}
_lock = threading.Lock()


def note_use(actor: Actor) -> None:
    """Write down that a key was used just now, at most once a minute, in a transaction of its own.

    Called after the request's transaction. A note that fails is logged and comes again: the answer stands already.
    """
    key_id = actor.api_key_id
    if key_id is None or not _is_due(key_id):
        return
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(seconds=EVERY / 2))
    try:
        with organization_scope(actor.organization_id):
            ApiKey.objects.filter(stale, pk=key_id).update(last_used_at=now)
    except DatabaseError as error:
        log.warning("The use of key %s could not be noted: %s", key_id, error)
        _noted.pop(key_id, None)


def _is_due(key_id: UUID) -> bool:
    """True once a minute for each key; says so to one thread alone."""
    now = time.monotonic()
    with _lock:
        if now - _noted.get(key_id, -EVERY) < EVERY:
            return False
        if len(_noted) >= MAX_KEYS:
            _noted.clear()
        _noted[key_id] = now
        return True
