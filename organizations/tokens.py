"""Signed feedback tokens: a page may say something about one output, and needs no key.

A server makes a token from its own secret key, without asking us, and puts it into the page beside the output. The page
sends it as `Authorization: Bearer ft_...` to POST /api/learning/feedback; it opens nothing else.

    token        "ft_" + claims + "." + signature
    claims       base64url, without "=", of a JSON object in UTF-8:
                   key           the first 10 characters of the secret key ("sk_" and 7 more); says whose it is
                   agent_id      the application's name of the agent, 1-200 characters
                   execution_id  the application's name of the output's execution, 1-200 characters; may be logged later
                   expires       seconds since 1970, a whole number; at most MAX_LIFETIME ahead of the server's clock
                   nonce         1-64 random characters, so that no two tokens are equal
                   types         optional: list of the allowed feedback types, 1-20; left out: all of them
                   user_id       optional: the pseudonym of the person, 1-200 characters
    signature    base64url, without "=", of HMAC-SHA256(signing key, everything before the dot, "ft_" included)
    signing key  32 bytes: SHA-256("feedback-token:" + lower-case hex of SHA-256(secret key))

The server keeps SHA-256(secret key) alone, so it can derive the signing key and never knows the secret. What the item
leaves out (agent_id, execution_id, user_id) is filled in from the token; what differs is refused. A token stores one
piece of feedback of each type: the same piece again is answered alike, another one of the type gives 409.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from organizations.identifiers import UNSTORABLE

PREFIX = "ft_"
KEY_PREFIX_LENGTH = 10
LIFETIME = 3 * 3600  # seconds
MAX_LIFETIME = 24 * 3600
CLOCK_SKEW = 60  # seconds that the clock of the minting server may be ahead of ours
LONGEST_TOKEN = 8192  # characters
LONGEST_NAME = 200
MAX_TYPES = 20
SHAPE = re.compile(r"(ft_([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})")
ALTERED = "This feedback token is malformed or was altered."


class TokenRefused(Exception):
    """The token is not good for anything; the text says why and is meant for the caller."""


@dataclass(frozen=True)
class FeedbackGrant:
    """What a token allows: feedback of these types (None: all) about one execution of one agent.

    `token_id` is the same for the same token and for no other; `expires` is in seconds since 1970.
    """

    token_id: str
    key_prefix: str
    agent_id: str
    execution_id: str
    expires: int
    types: frozenset[str] | None = None
    user_id: str = ""


def mint_feedback_token(
    secret_key: str,
    *,
    agent_id: str,
    execution_id: str,
    types: Sequence[str] | None = None,
    user_id: str = "",
    lifetime: int = LIFETIME,
    now: float | None = None,
) -> str:
    """A token for one output. `lifetime` is in seconds. Raises ValueError for what the server would refuse."""
    if not secret_key.startswith("sk_"):
        raise ValueError("Only a secret key (sk_...) signs tokens; whoever reads the page has the others.")
    if not 0 < lifetime <= MAX_LIFETIME:
        raise ValueError(f"A token lives from 1 to {MAX_LIFETIME} seconds.")
    claims: dict[str, Any] = {
        "key": secret_key[:KEY_PREFIX_LENGTH],
        "agent_id": agent_id,
        "execution_id": execution_id,
        "expires": int((time.time() if now is None else now) + lifetime),
        "nonce": secrets.token_urlsafe(9),
    }
    if types is not None:
        claims["types"] = list(types)
    if user_id:
        claims["user_id"] = user_id
    signed = PREFIX + _encode(json.dumps(claims, separators=(",", ":")).encode())
    token = f"{signed}.{_signature(derive_signing_key(hashlib.sha256(secret_key.encode()).hexdigest()), signed)}"
    try:
        read_token(token)
    except TokenRefused as error:
        raise ValueError("Names have 1 to 200 characters; types are a list of 1 to 20 names.") from error
    return token


def derive_signing_key(digest: str) -> bytes:
    """The signing key that belongs to a secret key, from its SHA-256 in hex; the SQL function does the same."""
    return hashlib.sha256(f"feedback-token:{digest}".encode()).digest()


def read_token(token: str) -> FeedbackGrant:
    """What a token claims, not yet to be believed. Raises TokenRefused for what is no token."""
    shape = SHAPE.fullmatch(token) if len(token) <= LONGEST_TOKEN else None
    if shape is None:
        raise TokenRefused(ALTERED)
    try:
        claims = json.loads(_decode(shape[2]))
        return _grant(claims, token_id=shape[3][:22])
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise TokenRefused(ALTERED) from error


def is_signed_by(token: str, signing_key: bytes) -> bool:
    """Compared in constant time, and as text: base64 has several spellings of the same bytes, of which one is good."""
    signed, _, signature = token.partition(".")
    return hmac.compare_digest(_signature(signing_key, signed).encode(), signature.encode())


def check_expiry(grant: FeedbackGrant, *, now: float | None = None) -> None:
    """Raises TokenRefused for a token whose time is over, or that would live longer than tokens may."""
    moment = time.time() if now is None else now
    if grant.expires <= moment:
        when = datetime.fromtimestamp(max(0, grant.expires), UTC).isoformat().replace("+00:00", "Z")
        raise TokenRefused(f"This feedback token expired at {when}. Load the page again to get a new one.")
    if grant.expires > moment + MAX_LIFETIME + CLOCK_SKEW:
        raise TokenRefused(f"This feedback token would live longer than {MAX_LIFETIME // 3600} hours.")


def _grant(claims: Any, token_id: str) -> FeedbackGrant:
    """Raises KeyError, TypeError or ValueError for claims of another form."""
    types = claims.get("types") if isinstance(claims, dict) else None
    if types is not None and not (isinstance(types, list) and 1 <= len(types) <= MAX_TYPES):
        raise ValueError("types")
    if type(claims["expires"]) is not int:
        raise ValueError("expires")
    _name(claims["nonce"], 64)
    return FeedbackGrant(
        token_id=token_id,
        key_prefix=_name(claims["key"], KEY_PREFIX_LENGTH),
        agent_id=_name(claims["agent_id"]),
        execution_id=_name(claims["execution_id"]),
        expires=claims["expires"],
        types=None if types is None else frozenset(_name(kind) for kind in types),
        user_id=_name(claims["user_id"]) if "user_id" in claims else "",
    )


def _name(value: Any, longest: int = LONGEST_NAME) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest or UNSTORABLE.search(value):
        raise ValueError("name")
    return value


def _signature(signing_key: bytes, signed: str) -> str:
    return _encode(hmac.new(signing_key, signed.encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
