"""Who a key stands for, remembered in each process for a moment, so that a busy key is not looked up every time.

A key that is revoked, or whose rights are changed, is known as it was for API_KEY_CACHE_SECONDS at most (2 s), in every
process. Unknown keys are never remembered.
"""

from __future__ import annotations

import time

from django.conf import settings

from organizations.actors import Actor
from organizations.keys import digest_of, resolve_api_key

MAX_KEYS = 10_000  # that one process remembers

_known: dict[str, tuple[float, Actor]] = {}


def actor_of_key(key: str) -> Actor | None:
    """Who a key stands for; None for one that is unknown, revoked or over."""
    digest, now = digest_of(key), time.monotonic()
    until, actor = _known.get(digest, (0.0, None))
    if actor is not None and now < until:
        return actor
    actor = resolve_api_key(key)
    if actor is None:
        _known.pop(digest, None)
    else:
        if len(_known) >= MAX_KEYS:
            _known.clear()
        _known[digest] = now + settings.API_KEY_CACHE_SECONDS, actor
    return actor
