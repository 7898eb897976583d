"""How many requests a key may send: exact under concurrency, and never a reason to lose feedback.

The generic cell rate algorithm (GCRA) keeps one number for each key: when the next request would be on time. Redis
decides in one script call, so that all processes count together. While Redis is away each process counts by itself.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.throttling import BaseThrottle

log = logging.getLogger(__name__)

MINUTE = 60_000_000  # microseconds
BURST = 6  # a sixth of a minute's requests may come at once
PATIENCE = 0.1  # seconds that a request waits for Redis
AWAY = 5.0  # seconds until Redis is asked again after it did not answer
MAX_KEYS = 10_000  # that one process remembers

# Redis' own clock, so that the clocks of several machines do not matter. Gives microseconds to wait, 0 when on time.
GCRA = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
if due - now > tolerance then return math.ceil(due - now - tolerance) end
due = due + interval
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000) + 1)
return 0
"""


class LocalRate:
    """The same algorithm inside one process."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, key: str, interval: float, tolerance: float) -> float:
        """Microseconds until the request would be on time; 0 counts it."""
        now = time.monotonic() * 1_000_000
        with self._lock:
            if len(self._due) >= MAX_KEYS:
                self._due = {name: due for name, due in self._due.items() if due > now}
            due = max(self._due.get(key, now), now)
            if due - now > tolerance:
                return due - now - tolerance
            self._due[key] = due + interval
            return 0.0


class SharedRate:
    """Asks Redis, and the process itself while Redis is away."""

    def __init__(self, url: str) -> None:
        # No retries: a request that waits for Redis helps nobody.
        self._client = redis.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._script = self._client.register_script(GCRA)
        self._local = LocalRate()
        self._away_until = 0.0

    def wait(self, key: str, interval: float, tolerance: float) -> float:
        if time.monotonic() >= self._away_until:
            try:
                return float(self._script(keys=[f"rate:{key}"], args=[interval, tolerance]))
            except redis.RedisError as error:
                self._away_until = time.monotonic() + AWAY
                log.warning("Redis does not answer, so each process counts requests by itself: %s", error)
        return self._local.wait(key, interval, tolerance)


@cache
def shared_rate(url: str) -> SharedRate:
    return SharedRate(url)


class IntakeThrottle(BaseThrottle):
    """INTAKE_RATE_PER_MINUTE writing requests for each key or person; 0 is no limit. A batch is one request."""

    _wait = 0.0

    def allow_request(self, request: Any, view: Any) -> bool:
        rate = settings.INTAKE_RATE_PER_MINUTE
        actor = request.auth
        if request.method in ("GET", "HEAD") or actor is None or not rate:
            return True
        interval = MINUTE / rate
        tolerance = max(0.0, MINUTE / BURST - interval)
        # A token stands in a page: whoever floods with it must not use up what its key may send.
        name = f"token:{actor.grant.token_id}" if actor.grant else actor.api_key_id or actor.user.pk
        self._wait = shared_rate(settings.CACHES["default"]["LOCATION"]).wait(str(name), interval, tolerance) / 1e6
        return self._wait == 0

    def wait(self) -> int:
        """Whole seconds, rounded up, for Retry-After."""
        return math.ceil(self._wait)
