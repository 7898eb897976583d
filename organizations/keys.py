"""API keys: made, shown once, resolved by their hash, revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

from django.db import connection
from django.utils import timezone

from organizations import audit
from organizations.actors import Actor
from organizations.errors import Refused
from organizations.models import ApiKey, KeyKind, Role

ORIGIN = re.compile(r"https?://[a-z0-9._\[\]:-]+")
SCOPES = ("ingest", "read", "manage")
PREFIXES = {KeyKind.SECRET: "sk_", KeyKind.PUBLISHABLE: "pk_"}


def digest_of(key: str) -> str:
    """SHA-256: enough for a key of 192 random bits, and quick on every request."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_api_key(
    *,
    name: str,
    kind: str = KeyKind.SECRET,
    scopes: list[str] | None = None,
    allowed_origins: list[str] | None = None,
    created_by: Any = None,
) -> tuple[ApiKey, str]:
    """The row and the key itself, which is not kept anywhere.

    Raises Refused for an unknown scope, for a publishable key that could do more than intake, and for what is no web
    origin.
    """
    wanted = scopes if scopes is not None else (["ingest"] if kind == KeyKind.PUBLISHABLE else list(SCOPES))
    unknown = sorted(set(wanted) - set(SCOPES))
    if unknown:
        raise Refused(f"Unknown scope {', '.join(unknown)}. Choose from {', '.join(SCOPES)}.", "scopes")
    if kind == KeyKind.PUBLISHABLE and set(wanted) != {"ingest"}:
        raise Refused("A publishable key stands in web pages, so it can have the scope ingest only.", "scopes")
    for origin in allowed_origins or []:
        if len(origin) > 200 or not ORIGIN.fullmatch(origin):
            text = f"{origin[:100]!r} is no web origin. Write it as browsers send it, such as https://example.com"
            raise Refused(f"{text} (small letters, no path).", "allowed_origins")
    key = PREFIXES[KeyKind(kind)] + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        name=name,
        kind=kind,
        prefix=key[:10],
        digest=digest_of(key),
        scopes=wanted,
        allowed_origins=allowed_origins or [],
        created_by=created_by,
    )
    audit.record(action="apikey.created", target=row, after={"name": name, "kind": kind, "scopes": wanted})
    return row, key


def revoke_api_key(*, key: ApiKey) -> None:
    """The key stops working with the next request."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at", "updated_at"])
    audit.record(action="apikey.revoked", target=key)


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
