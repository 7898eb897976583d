"""The ruleset that this process assigns by: asked for at the first need, then behind the scenes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from agent_learning.assignment import Choice, Ruleset
from agent_learning.errors import Unreachable
from agent_learning.forks import begin_anew_in_child
from agent_learning.transport import Call, decode, refusal

MOST_EXPOSED = 100_000  # units that are remembered as reported already
AGAIN = 5.0  # seconds after a failure


class RulesCache:
    """`ttl`: seconds after which the rules are asked for again."""

    def __init__(self, ttl: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._clock = ttl, clock
        self._rules: Ruleset | None = None
        self._etag = ""
        self._until = float("-inf")
        self.begin_anew()
        begin_anew_in_child(self)

    def begin_anew(self) -> None:
        """A child assigns by the parent's rules, and reports what it exposes itself."""
        self._lock = threading.Lock()
        self._exposed: set[tuple[str, str]] = set()

    @property
    def known(self) -> bool:
        return self._rules is not None

    @property
    def fresh(self) -> bool:
        return self._clock() < self._until

    def call(self) -> Call:
        return Call("GET", "ruleset", headers={"If-None-Match": self._etag} if self._etag else {})

    def keep(self, response: httpx.Response) -> None:
        """Raises Refused; Unreachable for an answer of a server in trouble."""
        if response.status_code == 429 or response.status_code >= 500:
            raise Unreachable(str(refusal(response)))
        rules = None if response.status_code == 304 else Ruleset(decode(response))
        with self._lock:
            if rules is not None:
                self._rules, self._etag = rules, response.headers.get("ETag", "")
            self._until = self._clock() + self._ttl

    def set_aside(self) -> None:
        """The server did not answer: leave it alone for a while."""
        with self._lock:
            self._until = self._clock() + AGAIN

    def choose(self, agent: str, user: str, session: str, execution: str) -> Choice | None:
        """What these names get; None when the server has to be asked."""
        return self._rules.choose(agent, user, session, execution) if self._rules is not None else None

    def first_time(self, experiment_id: str, unit: str) -> bool:
        """Whether this process has not reported the exposure yet. The server counts it once in any case."""
        with self._lock:
            if (experiment_id, unit) in self._exposed:
                return False
            if len(self._exposed) >= MOST_EXPOSED:
                self._exposed.clear()
            self._exposed.add((experiment_id, unit))
            return True
