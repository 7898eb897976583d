"""The limits of an endpoint for all processes on all machines together, kept in Redis.

A place is held for a short time and named again while it is needed, so that a process that is killed gives its places
back by itself. Whoever waits for a place is served in the order of coming, and nobody keeps more than a fair share
while somebody waits. Without Redis each process keeps to the limits by itself, and says so in the log.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Sequence
from itertools import count

import valkey  # less memory than `redis`: see docs/decisions/0011
from valkey.backoff import NoBackoff
from valkey.retry import Retry

from learning.llm_limits import AGAIN, BURST_SECONDS, Allowance, Grant, LocalLimits

log = logging.getLogger(__name__)

PATIENCE = 0.5  # seconds that a call waits for Redis
AWAY = 5.0  # seconds until Redis is asked again after it did not answer
HELD = 10.0  # seconds that a place is kept for a process that is not heard of
HEARD = 1.0  # seconds after which one who waits for a place and does not ask again is forgotten
MICROSECONDS = 1_000_000

# By Redis' own clock, so that the clocks of several machines do not matter. KEYS: places, those waiting since, those
# heard of, turns, pause. ARGV: who, places wanted, turns wanted, at once, interval, burst, held for, heard for, names
# of the places held, and of those granted. Gives places granted, turns granted, microseconds to wait, microseconds of
# the pause, places to shed.
ASK = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local who, places, turns, at_once = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local interval, burst, held_for, heard_for = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local held = #ARGV - 8 - places
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 9, 8 + held do redis.call('ZADD', KEYS[1], now + held_for, ARGV[i]) end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - heard_for)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local paused = tonumber(redis.call('GET', KEYS[5]) or 0)
if paused > now then return {0, 0, paused - now, paused - now, 0} end
local granted, begun, wait, shed = 0, 0, 0, 0
if places > 0 then
  redis.call('ZADD', KEYS[2], 'NX', now, who)
  redis.call('ZADD', KEYS[3], now, who)
  local free = at_once - redis.call('ZCARD', KEYS[1]) - redis.call('ZRANK', KEYS[2], who)
  granted = math.max(0, math.min(places, free))
  for i = 1, granted do redis.call('ZADD', KEYS[1], now + held_for, ARGV[8 + held + i]) end
  if granted > 0 or held > 0 then redis.call('ZREM', KEYS[2], who) end
  if granted < places then wait = tonumber(ARGV[8]) / 50 end
else
  redis.call('ZREM', KEYS[2], who)
end
local waiting = redis.call('ZCARD', KEYS[2])
if waiting > 0 and held + granted > 0 then
  redis.call('ZADD', KEYS[3], now, who)
  shed = math.max(0, held + granted - math.floor(at_once / redis.call('ZCARD', KEYS[3])))
end
begun = turns
if interval > 0 and turns > 0 then
  local due = math.max(tonumber(redis.call('GET', KEYS[4]) or now), now)
  local early = due - now - math.max(0, burst - interval)
  if early > 0 then
    begun, wait = 0, math.max(wait, early)
  else
    begun = math.min(turns, math.floor(-early / interval) + 1)
    local next = due + begun * interval
    redis.call('SET', KEYS[4], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1)
  end
end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], 60000) end
return {granted, begun, math.ceil(wait), 0, shed}
"""
PAUSE = """
local t = redis.call('TIME')
local until_then = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if until_then > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', until_then), 'PX', math.ceil(tonumber(ARGV[1]) / 1000) + 1)
end
"""


class SharedLimits:
    """Fits the Limits protocol. Made for one endpoint and one worker of calls; several may be in one process."""

    _numbers = count()

    def __init__(self, url: str, endpoint: str, allowance: Allowance) -> None:
        # No retries: a call that waits for Redis helps nobody.
        self._client = valkey.Valkey.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        name = hashlib.sha256(endpoint.encode()).hexdigest()[:16]
        self._keys = [f"llm:{name}:{part}" for part in ("places", "waiting", "heard", "turns", "pause")]
        self._ask = self._client.register_script(ASK)
        self._pause = self._client.register_script(PAUSE)
        self._allowance = allowance
        self._local = LocalLimits(allowance)
        self._of_local: set[str] = set()
        self._who = f"{os.uname().nodename}:{os.getpid()}:{next(self._numbers)}"
        self._named = count()
        self._away_until = 0.0

    @property
    def paced(self) -> bool:
        return self._local.paced

    def ask(self, places: int, turns: int, held: Sequence[str]) -> Grant:
        if time.monotonic() >= self._away_until:
            try:
                return self._ask_all(places, turns, held)
            except valkey.ValkeyError as error:
                self._lose(error)
        grant = self._local.ask(places, turns, held)
        self._of_local |= set(grant.places)
        return grant

    def give_back(self, places: Sequence[str]) -> None:
        local = [name for name in places if name in self._of_local]
        self._of_local -= set(local)
        self._local.give_back(local)
        shared = [name for name in places if name not in local]
        if shared and time.monotonic() >= self._away_until:
            try:
                self._client.zrem(self._keys[0], *shared)
            except valkey.ValkeyError as error:
                self._lose(error)

    def pause(self, seconds: float) -> None:
        self._local.pause(seconds)
        if time.monotonic() >= self._away_until:
            try:
                self._pause(keys=self._keys[4:], args=[int(seconds * MICROSECONDS)])
            except valkey.ValkeyError as error:
                self._lose(error)

    def _ask_all(self, places: int, turns: int, held: Sequence[str]) -> Grant:
        names = [f"{self._who}:{next(self._named)}" for _ in range(places)]
        numbers = [
            self._allowance.at_once,
            self._allowance.interval * MICROSECONDS,
            BURST_SECONDS * MICROSECONDS,
            HELD * MICROSECONDS,
            HEARD * MICROSECONDS,
        ]
        shared = [name for name in held if name not in self._of_local]
        arguments: list[str | int | float] = [self._who, places, turns, *numbers, *shared, *names]
        granted, begun, wait, paused, shed = (int(number) for number in self._ask(keys=self._keys, args=arguments))
        again = max(wait / MICROSECONDS, AGAIN if wait else 0.0)
        return Grant(tuple(names[:granted]), begun, again, paused / MICROSECONDS, shed)

    def _lose(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY
        log.warning("Redis does not answer, so each process keeps to the limits of the model by itself: %s", error)
