"""Feedback tokens: made here from the secret key, without asking the server, for one output in a page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

LIFETIME = 3 * 3600  # seconds
MAX_LIFETIME = 24 * 3600
LONGEST_NAME = 200


def mint_feedback_token(
    secret_key: str,
    agent: str,
    execution_id: str,
    *,
    types: Sequence[str] | None = None,
    user_id: str = "",
    lifetime: int = LIFETIME,
) -> str:
    """A token with which a page may give feedback about this output, and nothing else.

    `types`: the feedback types it allows (left out: all); `lifetime` in seconds. Raises ValueError for what the server
    would refuse. Make a new one each time the page is rendered.
    """
    if not secret_key.startswith("sk_"):
        raise ValueError("Only a secret key (sk_...) signs tokens; whoever reads the page has the others.")
    if not 0 < lifetime <= MAX_LIFETIME:
        raise ValueError(f"A token lives from 1 to {MAX_LIFETIME} seconds.")
    names = [agent, execution_id, *([user_id] if user_id else []), *(types or [])]
    if any(not 1 <= len(name) <= LONGEST_NAME for name in names) or (types is not None and not 1 <= len(types) <= 20):
        raise ValueError("Names have 1 to 200 characters; types are a list of 1 to 20 names.")
    claims: dict[str, Any] = {
        "key": secret_key[:10],
        "agent_id": agent,
        "execution_id": execution_id,
        "expires": int(time.time()) + lifetime,
        "nonce": secrets.token_urlsafe(9),
    }
    claims |= ({"types": list(types)} if types is not None else {}) | ({"user_id": user_id} if user_id else {})
    signed = "ft_" + _encoded(json.dumps(claims, separators=(",", ":")).encode())
    digest = hashlib.sha256(secret_key.encode()).hexdigest()
    signing_key = hashlib.sha256(f"feedback-token:{digest}".encode()).digest()
    return f"{signed}.{_encoded(hmac.new(signing_key, signed.encode(), hashlib.sha256).digest())}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
