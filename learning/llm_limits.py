"""How much an endpoint is asked for at a time: calls at once, calls in a minute, and rest when it says "too many".

Here for one process; learning/llm_shared_limits.py has the same for all processes together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MINUTE = 60.0
AGAIN = 0.02  # seconds until it is worth asking for a place again
BURST_SECONDS = 1.0  # what was not used in this time is lost


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an endpoint may get. `per_minute`: calls begun in a minute, 0 for no limit; `at_once`: calls under way."""

    at_once: int
    per_minute: int = 0

    def __post_init__(self) -> None:
        if self.at_once < 1 or self.per_minute < 0:
            raise ValueError("An endpoint must get at least one call at a time, and no negative number in a minute.")

    @property
    def interval(self) -> float:
        """Seconds between two calls."""
        return MINUTE / self.per_minute if self.per_minute else 0.0


@dataclass(frozen=True, slots=True)
class Grant:
    """`places`: names of what was granted, to be given back. `turns`: calls that may be begun now, of those asked for.

    `wait`: seconds until asking again may help. `paused`: seconds in which nobody begins a call.
    `shed`: places that should be given back soon, because others wait.
    """

    places: tuple[str, ...] = ()
    turns: int = 0
    wait: float = 0.0
    paused: float = 0.0
    shed: int = 0


class Limits(Protocol):
    """Asked by one process, from one thread."""

    @property
    def paced(self) -> bool:
        """Whether calls need turns; else places are enough."""
        ...

    def ask(self, places: int, turns: int, held: Sequence[str]) -> Grant:
        """Ask for more places beside those held, and for turns. Says that the held ones are still needed."""
        ...

    def give_back(self, places: Sequence[str]) -> None: ...

    def pause(self, seconds: float) -> None:
        """Nobody begins a call for so long."""
        ...


class LocalLimits:
    """The limits of one process."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowance = allowance
        self._clock = clock
        self._lock = threading.Lock()
        self._taken = 0
        self._named = 0
        self._due = 0.0
        self._paused_until = 0.0

    @property
    def paced(self) -> bool:
        return self._allowance.per_minute > 0

    def ask(self, places: int, turns: int, held: Sequence[str]) -> Grant:
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                paused = self._paused_until - now
                return Grant(wait=paused, paused=paused)
            free = min(places, self._allowance.at_once - self._taken)
            names = tuple(str(self._named + n) for n in range(max(0, free)))
            self._taken += len(names)
            self._named += len(names)
            begun, wait = self._turns(turns, now)
            return Grant(names, begun, wait or (AGAIN if len(names) < places else 0.0))

    def give_back(self, places: Sequence[str]) -> None:
        with self._lock:
            self._taken -= len(places)

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _turns(self, turns: int, now: float) -> tuple[int, float]:
        """The generic cell rate algorithm: one number says when the next call would be on time."""
        interval = self._allowance.interval
        if not interval or not turns:
            return turns, 0.0
        due = max(self._due, now)
        early = due - now - max(0.0, BURST_SECONDS - interval)
        if early > 0:
            return 0, early
        granted = min(turns, int(-early / interval) + 1)
        self._due = due + granted * interval
        return granted, 0.0
