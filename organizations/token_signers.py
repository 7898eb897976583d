"""On whose behalf a feedback token speaks: the organization of the secret key that signed it.

Who signs is remembered in each process for API_KEY_CACHE_SECONDS, as keys are: for so long at most, tokens of a key
that was revoked go on to be good. Unknown signers are never remembered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from organizations.actors import Actor
from organizations.models import Role
from organizations.tokens import ALTERED, TokenRefused, check_expiry, is_signed_by, read_token

MAX_SIGNERS = 10_000  # that one process remembers
GONE = "The key that signed this feedback token is unknown, was revoked or has expired."


@dataclass(frozen=True)
class Signer:
    """A secret key that may send, as far as tokens are concerned."""

    key_id: UUID
    organization_id: UUID
    organization_name: str
    name: str
    allowed_origins: tuple[str, ...]
    signing_key: bytes


_known: dict[str, tuple[float, list[Signer]]] = {}


def resolve_feedback_token(token: str) -> Actor:
    """Who a token speaks for. Raises TokenRefused, saying why, for a token that is altered, over, or without its key.

    Runs before any organization is known, so it goes through a database function that answers for one prefix at a time.
    """
    grant = read_token(token)
    signers = _known_signers(grant.key_prefix)
    if not signers:
        raise TokenRefused(GONE)
    signer = next((one for one in signers if is_signed_by(token, one.signing_key)), None)
    if signer is None:
        raise TokenRefused(ALTERED)
    check_expiry(grant)
    return Actor(
        organization_id=signer.organization_id,
        organization_name=signer.organization_name,
        role=Role.MEMBER,
        api_key_id=signer.key_id,
        publishable=True,
        label=f"feedback token of key {signer.name}",
        allowed_origins=signer.allowed_origins,
        grant=grant,
    )


def _known_signers(prefix: str) -> list[Signer]:
    now = time.monotonic()
    until, signers = _known.get(prefix, (0.0, []))
    if now < until:
        return signers
    signers = find_signers(prefix)
    if not signers:
        _known.pop(prefix, None)
    else:
        if len(_known) >= MAX_SIGNERS:
            _known.clear()
        _known[prefix] = now + settings.API_KEY_CACHE_SECONDS, signers
    return signers


def find_signers(prefix: str) -> list[Signer]:
    """The keys that begin like this: one, or none, or by a rare chance several."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM resolve_token_signers(%s)", [prefix])
        rows = cursor.fetchall()
    return [
        Signer(key_id, organization_id, organization_name, name, tuple(origins), bytes(signing))
        for key_id, organization_id, organization_name, name, origins, signing in rows
    ]
