"""How often something may happen: counted by Redis for all processes together, and by each process while Redis is away.

The generic cell rate algorithm (GCRA) keeps one number for each name: when the next request would be on time. Redis
decides about all limits of a request in one script call. A busy process asks for several turns at once and uses them up
by itself: what is given out is counted, so that all together never pass more than the limit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import valkey  # less memory than `redis`: see docs/decisions/0011
from valkey.backoff import NoBackoff
from valkey.retry import Retry

log = logging.getLogger(__name__)

PATIENCE = 0.1  # seconds that a request waits for Redis
AWAY = 5.0  # seconds until Redis is asked again after it did not answer
MAX_NAMES = 10_000  # that one process remembers
LEASE = 0.1  # seconds in which turns must be used up; those left over are lost
MOST_TURNS = 32  # that are asked for at once
SHARE = 100  # and no more than this part of what may come at once

# Redis' own clock, so that the clocks of several machines do not matter. Gives the turns that were granted, or the
# microseconds to wait as a negative number; then nothing was counted.
GCRA = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local granted, wait, due = tonumber(ARGV[1]), 0, {}
for i, name in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  due[i] = math.max(tonumber(redis.call('GET', name) or now), now)
  local early = due[i] - now - tolerance
  if early > 0 then wait = math.max(wait, early) else granted = math.min(granted, math.floor(-early / interval) + 1) end
end
if wait > 0 then return -math.ceil(wait) end
for i, name in ipairs(KEYS) do
  local next = due[i] + granted * tonumber(ARGV[2 * i])
  redis.call('SET', name, string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1)
end
return granted
"""


@dataclass(frozen=True)
class Limit:
    """One request each `interval` microseconds; `tolerance` microseconds may be used ahead, for a burst."""

    name: str
    interval: float
    tolerance: float

    @property
    def burst(self) -> float:
        """Requests that may come at once."""
        return self.tolerance / self.interval + 1


class LocalRate:
    """The algorithm inside one process."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, limits: Sequence[Limit], turns: int = 1) -> float:
        """The turns that were granted, at most `turns`; or, negative, the microseconds until there is one."""
        now = time.monotonic() * 1_000_000
        with self._lock:
            if len(self._due) >= MAX_NAMES:
                self._due = {name: due for name, due in self._due.items() if due > now}
            due = {limit.name: max(self._due.get(limit.name, now), now) for limit in limits}
            early = max(due[limit.name] - now - limit.tolerance for limit in limits)
            if early > 0:
                return -early
            room = min((limit.tolerance + now - due[limit.name]) // limit.interval + 1 for limit in limits)
            granted = min(turns, room)
            for limit in limits:
                self._due[limit.name] = due[limit.name] + granted * limit.interval
            return granted


class SharedRate:
    """Asks Redis, and the process itself while Redis is away."""

    def __init__(self, url: str) -> None:
        # No retries: a request that waits for Redis helps nobody.
        self._client = valkey.Valkey.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._script = self._client.register_script(GCRA)
        self._local = LocalRate()
        self._away_until = 0.0

    def take(self, limits: Sequence[Limit], turns: int = 1) -> float:
        """As LocalRate has it, for all processes together."""
        if time.monotonic() >= self._away_until:
            try:
                numbers = [number for limit in limits for number in (limit.interval, limit.tolerance)]
                return float(self._script(keys=[f"rate:{limit.name}" for limit in limits], args=[turns, *numbers]))
            except valkey.ValkeyError as error:
                self._away_until = time.monotonic() + AWAY
                log.warning("Redis does not answer, so each process counts requests by itself: %s", error)
        return self._local.take(limits, turns)


@dataclass
class _Lease:
    turns: float
    until: float
    size: int


class Leases:
    """Turns in hand, so that a busy key asks Redis seldom. The busier, the more are asked for at once."""

    def __init__(self, rate: SharedRate | LocalRate) -> None:
        self._rate = rate
        self._leases: dict[Sequence[Limit], _Lease] = {}
        self._lock = threading.Lock()

    def wait(self, limits: Sequence[Limit]) -> float:
        """Microseconds until a request of these limits would be on time; 0 counts it."""
        now = time.monotonic()
        with self._lock:
            held = self._leases.get(limits)
            in_time = held is not None and now < held.until
            if held is not None and in_time and held.turns >= 1:
                held.turns -= 1
                return 0.0
            most = max(1, min(MOST_TURNS, int(min(limit.burst for limit in limits) / SHARE)))
            size = min(most, held.size * 2) if held is not None and in_time else 1
        granted = self._rate.take(limits, size)
        with self._lock:
            if len(self._leases) >= MAX_NAMES:
                self._leases.clear()
            self._leases[limits] = _Lease(max(0.0, granted - 1), now + LEASE, size)
        return max(0.0, -granted)


@cache
def shared_leases(url: str) -> Leases:
    return Leases(SharedRate(url))
