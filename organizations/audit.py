"""Writing the audit, sealing it, and checking the seals."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from organizations.models import AuditEvent, AuditSeal
from organizations.scope import current_scope


def record(
    *, action: str, target: models.Model, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> AuditEvent:
    """One event, in the caller's transaction; the actor is the scope's."""
    scope = current_scope()
    actor = scope.actor if scope else None
    return AuditEvent.objects.create(
        actor_label=actor.label if actor else "system",
        user=actor.user if actor else None,
        action=action,
        target_type=target._meta.model_name or "",
        target_id=str(target.pk),
        before=before or {},
        after=after or {},
    )


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
        chain.update(
            json.dumps(
                [
                    str(event.id),
                    event.actor_label,
                    event.action,
                    event.target_type,
                    event.target_id,
                    event.before,
                    event.after,
                    event.created_at.isoformat(),
                ],
                sort_keys=True,
            ).encode()
        )
    return chain.hexdigest()
