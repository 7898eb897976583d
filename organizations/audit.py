"""Writing the audit, sealing it, and checking the seals."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from organizations.models import AuditEvent, AuditSeal
from organizations.scope import current_scope


def record(
    *, action: str, target: models.Model, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> AuditEvent:
    """One event, in the caller's transaction; the actor is the scope's."""
    scope = current_scope()
    actor = scope.actor if scope else None
    salt = secrets.token_hex(16)
    return AuditEvent.objects.create(
        actor_label=actor.label if actor else "system",
        user=actor.user if actor else None,
        action=action,
        target_type=target._meta.model_name or "",
        target_id=str(target.pk),
        before=before or {},
        after=after or {},
        salt=salt,
        told_digest=digest_of_told(salt, before or {}, after or {}),
    )


def digest_of_told(salt: str, before: Any, after: Any) -> str:
    """SHA-256 of what an event told; without the salt nobody can guess it, so it may stay when the text goes."""
    return hashlib.sha256(json.dumps([salt, before, after], sort_keys=True, default=str).encode()).hexdigest()


def erase_told(*, event_ids: Sequence[UUID]) -> int:
    """Take away what these events told, for a person who is forgotten; how many. Works inside `erasing()` alone.

    Who did what to which object and when stays, and the seals still hold.
    """
    if not event_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_audit_texts(%s)", [list(event_ids)])
        return int(cursor.fetchone()[0])


SETTLED = timedelta(minutes=1)  # older than any open transaction, so that no event slips in behind a seal


def seal_events(*, older_than: timedelta = SETTLED) -> AuditSeal | None:
    """Chain the events since the last seal to it; None when there is nothing new."""
    last = AuditSeal.objects.order_by("-created_at").first()
    events = AuditEvent.objects.filter(created_at__lt=timezone.now() - older_than).order_by("id")
    if last:
        events = events.filter(id__gt=last.last_event_id)
    rows = list(events)
    if not rows:
        return None
    digest = _digest(last.digest if last else "", rows)
    return AuditSeal.objects.create(previous=last, last_event_id=rows[-1].id, events=len(rows), digest=digest)


def find_broken_seal() -> AuditSeal | None:
    """The first seal whose events no longer give its digest; None when the chain holds."""
    previous, before = None, ""
    for seal in AuditSeal.objects.order_by("created_at"):
        events = AuditEvent.objects.filter(id__lte=seal.last_event_id).order_by("id")
        if previous:
            events = events.filter(id__gt=previous.last_event_id)
        if _digest(before, list(events)) != seal.digest:
            return seal
        previous, before = seal, seal.digest
    return None


def _digest(before: str, events: list[AuditEvent]) -> str:
    chain = hashlib.sha256(before.encode())
    for event in events:
        sealed = [
            str(event.id),
            event.actor_label,
            event.action,
            event.target_type,
            event.target_id,
            _told(event),
            event.created_at.isoformat(),
        ]
        chain.update(json.dumps(sealed).encode())
    return chain.hexdigest()


def _told(event: AuditEvent) -> str:
    """The digest of what an event tells; an erased one has it written down."""
    return digest_of_told(event.salt, event.before, event.after) if event.salt else event.told_digest
