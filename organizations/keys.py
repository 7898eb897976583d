"""API keys: made, shown once, resolved by their hash, rotated, revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from organizations import audit
from organizations.actors import Actor
from organizations.errors import Conflict, Refused
from organizations.models import ApiKey, KeyKind, Role
from organizations.tokens import KEY_PREFIX_LENGTH

ORIGIN = re.compile(r"https?://[a-z0-9._\[\]:-]+")
SCOPES = ("feedback", "ingest", "read", "manage")  # ingest includes feedback
ALL_OF_KIND = {KeyKind.SECRET: ["ingest", "read", "manage"], KeyKind.PUBLISHABLE: ["feedback"]}
PREFIXES = {KeyKind.SECRET: "sk_", KeyKind.PUBLISHABLE: "pk_"}
OVERLAP = timedelta(hours=24)  # that a rotated key works on, unless told
LONGEST_OVERLAP = timedelta(days=30)
LONGEST_LIFE = timedelta(days=3653)
MAX_ORIGINS = 50


def digest_of(key: str) -> str:
    """SHA-256: enough for a key of 192 random bits, and quick on every request."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_api_key(
    *,
    name: str,
    kind: str = KeyKind.SECRET,
    scopes: list[str] | None = None,
    allowed_origins: list[str] | None = None,
    expires_at: datetime | None = None,
    created_by: Any = None,
) -> tuple[ApiKey, str]:
    """The row and the key itself, which is not kept anywhere.

    `scopes` left out: all that a secret key may do; feedback alone for a publishable one. Raises Refused for an unknown
    scope, for a publishable key that could do more than send, for what is no web origin, and for an end that is over or
    too far away.
    """
    wanted = scopes_for(kind, scopes)
    _check_scopes(kind, wanted)
    _check_origins(allowed_origins or [])
    _check_end(expires_at)
    key = PREFIXES[KeyKind(kind)] + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        name=name,
        kind=kind,
        prefix=key[:KEY_PREFIX_LENGTH],
        digest=digest_of(key),
        scopes=wanted,
        allowed_origins=allowed_origins or [],
        expires_at=expires_at,
        created_by=created_by,
    )
    audit.record(action="apikey.created", target=row, after=_told(row))
    return row, key


def rotate_api_key(*, key: ApiKey, overlap: timedelta = OVERLAP, created_by: Any = None) -> tuple[ApiKey, str]:
    """A successor that may do the same, and the key itself; the old one works on for the overlap.

    A key with an end gets a successor that lives as long as it was meant to. Raises Refused for an overlap that is
    too long, and Conflict for a key that no longer works or has a successor already.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refused(f"The old key can work on from 0 to {LONGEST_OVERLAP.days * 24} hours.", "overlap_hours")
    now = timezone.now()
    ends = min(filter(None, (now + overlap, key.expires_at)))
    usable = ApiKey.objects.filter(pk=key.pk, revoked_at=None, rotated_at=None).exclude(expires_at__lte=now)
    if not usable.update(rotated_at=now, expires_at=ends, updated_at=now):  # two at once: one of them wins
        raise Conflict("This key no longer works, or was rotated already.")
    successor = create_api_key(
        name=key.name,
        kind=key.kind,
        scopes=key.scopes,
        allowed_origins=key.allowed_origins,
        expires_at=now + (key.expires_at - key.created_at) if key.expires_at else None,
        created_by=created_by,
    )
    told = {"successor": str(successor[0].pk), "works_until": ends.isoformat()}
    audit.record(action="apikey.rotated", target=key, after=told)
    return successor


def revoke_api_key(*, key: ApiKey) -> None:
    """The key stops working at once, and the feedback tokens that it signed too. Raises Conflict when it was before."""
    now = timezone.now()
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now, updated_at=now):
        raise Conflict("This key was revoked before.")
    key.revoked_at = now
    audit.record(action="apikey.revoked", target=key)


def scopes_for(kind: str, scopes: list[str] | None) -> list[str]:
    """The scopes of a new key: those that are given, each once, or those that its kind has by itself."""
    return list(dict.fromkeys(scopes)) if scopes is not None else list(ALL_OF_KIND[KeyKind(kind)])


def _check_scopes(kind: str, wanted: list[str]) -> None:
    unknown = sorted(set(wanted) - set(SCOPES))
    if unknown:
        raise Refused(f"Unknown scope {', '.join(unknown)}. Choose from {', '.join(SCOPES)}.", "scopes")
    if not wanted:
        raise Refused("A key without a scope could do nothing.", "scopes")
    if kind == KeyKind.PUBLISHABLE and not set(wanted) <= {"feedback", "ingest"}:
        raise Refused("A publishable key stands in web pages, so it can send only: feedback, or ingest.", "scopes")


def _check_origins(origins: list[str]) -> None:
    if len(origins) > MAX_ORIGINS:
        raise Refused(f"A key has at most {MAX_ORIGINS} origins.", "allowed_origins")
    for origin in origins:
        if len(origin) > 200 or not ORIGIN.fullmatch(origin):
            text = f"{origin[:100]!r} is no web origin. Write it as browsers send it, such as https://example.com"
            raise Refused(f"{text} (small letters, no path).", "allowed_origins")


def _check_end(expires_at: datetime | None) -> None:
    if expires_at is None:
        return
    if expires_at <= timezone.now():
        raise Refused("This time is over; leave it out for a key without an end.", "expires_at")
    if expires_at > timezone.now() + LONGEST_LIFE:
        raise Refused("A key's end lies within ten years; leave it out for a key without an end.", "expires_at")


def _told(row: ApiKey) -> dict[str, Any]:
    """What the audit keeps of a key; nothing that opens anything."""
    return {
        "name": row.name,
        "kind": row.kind,
        "scopes": row.scopes,
        "allowed_origins": row.allowed_origins,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }


def resolve_api_key(key: str) -> Actor | None:
    """Who a key stands for; None for an unknown or revoked one.

    Runs before any organization is known, so it goes through a database function that answers for one hash at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM resolve_api_key(%s)", [digest_of(key)])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, organization_id, organization_name, name, scopes, origins = row
    return Actor(
        organization_id=organization_id,
        organization_name=organization_name,
        role=Role.ADMIN if "manage" in scopes else Role.MEMBER,
        scopes=frozenset(scopes),
        api_key_id=key_id,
        publishable=key.startswith(PREFIXES[KeyKind.PUBLISHABLE]),
        label=f"key {name}",
        allowed_origins=tuple(origins),
    )
