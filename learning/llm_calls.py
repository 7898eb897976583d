"""Working through calls: written down before they are sent, side by side, tried again, within the endpoint's limits.

One thread decides, some threads send. The deciding one keeps the ledger, so that a call costs a small part of a
transaction; the senders are given a few calls ahead where answers come fast, and none where they are slow.
"""

from __future__ import annotations

import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count, islice

from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.protocols import Tick
from learning.engines.types import Completion
from learning.llm_answers import Answer
from learning.llm_http import CallFailed
from learning.llm_ledger import Call, Ledger, Settled, settle
from learning.llm_limits import Limits
from learning.llm_prices import Prices
from learning.llm_retry import THROTTLED, RetryPolicy
from learning.llm_senders import Result, Senders

TICK = 1.0  # seconds until `tick` is called when nothing comes back
SPACING = 0.04  # seconds between two exchanges with the ledger while there is enough to send
LOOK = 0.1  # seconds until the ledger is asked whether to go on, while calls are ready
BEAT = 1.0  # and while none is
RENEWAL = 0.5  # seconds between two signs of life to the endpoint's limits
FAST = 0.3  # seconds: calls that take less are given to the senders ahead
PATIENCE = 2.0  # seconds that calls under way get when the work ends early
MOST_SPOILT = 2  # tries for a request whose answers cannot be read
MOST_SPOILT_IN_A_ROW = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """How calls are made. `at_once`: by this process. `name`: of the endpoint, for people.

    `ahead`: how many more may be written down, so that a thread has the next call at hand; None: one for each thread.
    """

    name: str
    limits: Limits
    retry: RetryPolicy
    at_once: int
    prices: Prices = field(default_factory=dict)
    ahead: int | None = None


@dataclass(slots=True)
class CallLoop:
    """One piece of work: give it calls, or `more` to fetch them from, and run it once."""

    terms: Terms
    ledger: Ledger
    senders: Senders
    tick: Tick | None = None
    more: Callable[[], Sequence[Call]] | None = None
    answers: dict[str, Completion] = field(default_factory=dict)
    _waiting: deque[Call] = field(default_factory=deque)
    _later: list[tuple[float, int, Call]] = field(default_factory=list)
    _due: list[Call] = field(default_factory=list)  # reserved, and without a turn at the endpoint yet
    _arrived: deque[Result] = field(default_factory=deque)
    _settled: list[Settled] = field(default_factory=list)
    _places: list[str] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _exchanged: float = 0.0
    _ticked: float = 0.0
    _asked: float = 0.0
    _ask_again: float = 0.0
    _owed: int = 0  # places that others wait for
    _refused: str = ""
    _spoilt: int = 0
    _seconds: float = 0.0  # that a call takes, lately

    def run(self, calls: Sequence[Call] = ()) -> dict[str, Completion]:
        """The answers by key. Raises BudgetExceeded, ModelUnavailable, and what ledger and tick raise."""
        self._waiting.extend(calls)
        self._ticked = time.monotonic()
        try:
            self._fetch()
            while self._step():
                pass
        finally:
            self._end()
        return self.answers

    def _step(self) -> bool:
        """One round; whether there is another."""
        if self._over():
            return False
        self._arrived.extend(self.senders.results(self._patience()))
        arrived = bool(self._arrived)
        while self._arrived:  # what is left when one of them ends the work is kept by the closing
            self._receive(*self._arrived.popleft())
        self._fetch()
        self._exchange()
        self._begin()
        if self.tick and (arrived or time.monotonic() - self._ticked >= TICK):
            self._ticked = time.monotonic()
            self.tick()
        return True

    def _over(self) -> bool:
        busy = self._waiting or self._later or self._due or self._settled
        return not busy and self.senders.idle

    def _patience(self) -> float:
        """Seconds until there is something to do besides receiving."""
        now = time.monotonic()
        if self._settled:
            return max(0.0, self._exchanged + SPACING - now) if self.senders.ready else 0.0
        if self._waiting and not self._refused and self._lacks() and self.senders.idle:
            return 0.0
        waits = [self._exchanged + self._look() - now]
        if self._later:
            waits.append(self._later[0][0] - now)
        if self._due or self.senders.wanted(self.terms.at_once):
            waits.append(max(self._ask_again - now, self.senders.paused))
        return max(0.001, min(waits))

    def _look(self) -> float:
        """Seconds between two exchanges when there is nothing to keep or to write down."""
        eager = self._refused or (self.senders.ready and not self.senders.paused)
        return LOOK if eager else BEAT

    # What came back

    def _receive(self, call: Call, result: Answer | CallFailed) -> None:
        if isinstance(result, CallFailed):
            self._fail(call, result)
            return
        self._spoilt = 0
        self._seconds = 0.8 * self._seconds + 0.2 * result.seconds if self._seconds else result.seconds
        self._settle(settle(call, result, self.terms.prices.get(call.request.model)))

    def _settle(self, settled: Settled) -> None:
        self.answers[settled.call.key] = settled.completion
        self._settled.append(settled)
        self._refused = ""

    def _fail(self, call: Call, failure: CallFailed) -> None:
        call.failures += 1
        if failure.refused:
            self._settle_without(call, failure, f"The model refused the request: {failure.reason}")
            return
        if failure.status == 200 and self._spoil(call, failure):
            return
        gives_up = self.terms.retry.gives_up(call.failures, failure.status, failure.retry_after)
        if not failure.transient or gives_up:
            self._due += [call] if call.reserved and not failure.maybe_paid else []  # it is given back
            raise ModelUnavailable(self._explain(call, failure))
        wait = self.terms.retry.wait(call.failures, failure.retry_after, random.random())
        if failure.status == THROTTLED or failure.retry_after is not None:
            self.senders.pause(wait)
            self.terms.limits.pause(wait)
        call.reserved = not failure.maybe_paid  # it may have been paid for: another try is another call
        heapq.heappush(self._later, (time.monotonic() + wait, next(self._order), call))

    def _spoil(self, call: Call, failure: CallFailed) -> bool:
        """Whether the call ends here: its answers cannot be read. Raises ModelUnavailable when none can."""
        call.spoilt += 1
        self._spoilt += 1
        if self._spoilt >= MOST_SPOILT_IN_A_ROW:
            raise ModelUnavailable(self._explain(call, failure))
        if call.spoilt < MOST_SPOILT:
            return False
        self._settle_without(call, failure, failure.reason)
        return True

    def _settle_without(self, call: Call, failure: CallFailed, reason: str) -> None:
        """The end of a call that got no answer. What was only turned down was not paid for."""
        money = call.hold.money if failure.maybe_paid else Decimal(0)
        self._settle(Settled(call, Completion("", error=reason, money=money), counted=not failure.maybe_paid))

    def _explain(self, call: Call, failure: CallFailed) -> str:
        asks = f" and asks to wait {max(0.1, round(failure.retry_after, 1)):g} seconds" if failure.retry_after else ""
        times = "once" if call.failures == 1 else f"{call.failures} times"
        return f"The language model at {self.terms.name} failed {times}{asks}; last: {failure.reason}"[:500]

    # What goes out

    def _fetch(self) -> None:
        """More to do, while there is some and little is left here."""
        while self.more and len(self._waiting) < self._target():
            found = self.more()
            self._waiting.extend(found)
            self.more = self.more if found else None

    def _target(self) -> int:
        """How many calls are written down at a time: those under way, and as many ahead where answers come fast."""
        ahead = self.terms.at_once if self.terms.ahead is None else self.terms.ahead
        return self.terms.at_once + (ahead if 0 < self._seconds < FAST else 0)

    def _lacks(self) -> int:
        """How many more calls should be written down."""
        reserved = sum(1 for _, _, call in self._later if call.reserved)
        outstanding = self.senders.under_way + self.senders.ready + len(self._due) + reserved
        return max(0, self._target() - outstanding)

    def _exchange(self) -> None:
        """Keep what came, write down what goes, and hear whether to go on."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            call = heapq.heappop(self._later)[2]
            if call.reserved:
                self._admit([call])
            else:
                self._waiting.appendleft(call)
        wanted = 0 if self._refused else self._lacks()
        soon = (self._settled or (wanted and self._waiting)) and (
            not self.senders.ready or now - self._exchanged >= SPACING
        )
        if soon or now - self._exchanged >= self._look():
            self._trade(list(islice(self._waiting, wanted or int(not soon and bool(self._refused)))))

    def _admit(self, calls: list[Call]) -> None:
        """These are written down: they wait for a turn at the endpoint, where it counts them."""
        if self.terms.limits.paced:
            self._due += calls
        else:
            self.senders.add(calls)

    def _trade(self, wanted: list[Call]) -> None:
        settled, self._settled = self._settled, []
        try:
            permission = self.ledger.exchange(settled, wanted)
        except BaseException:
            self._settled = settled  # for the closing
            raise
        self._exchanged = time.monotonic()
        allowed = [self._waiting.popleft() for _ in range(permission.calls)]
        for call in allowed:
            call.reserved = True
        self._admit(allowed)
        self._refused = permission.reason if permission.calls < len(wanted) else ""
        if self._refused and not permission.later and not (self._due or self._later) and self.senders.idle:
            raise BudgetExceeded(self._refused)

    def _begin(self) -> None:
        """Give the senders what may begin now."""
        now = time.monotonic()
        threads = self.senders.wanted(self.terms.at_once) + len(self._due)
        places = min(threads, self.terms.at_once - self.senders.active) - self._spare()
        lacking = bool(self._due) or places > 0
        if now >= self._ask_again and (lacking or (self._places and now - self._asked >= RENEWAL)):
            self._ask(max(0, places))
            if not lacking and not self.senders.ready:
                self._owed = self._spare()
        if self._owed and self._spare():
            self._give_back(min(self._owed, self._spare()))
        if not self.senders.paused:
            self.senders.start(min(self.senders.wanted(self.terms.at_once), self._spare()))

    def _spare(self) -> int:
        """Places that no thread uses."""
        return max(0, len(self._places) - self.senders.active)

    def _ask(self, places: int) -> None:
        grant = self.terms.limits.ask(places, len(self._due), self._places)
        self._asked = time.monotonic()
        self._ask_again = self._asked + grant.wait if grant.wait else 0.0
        self._places += grant.places
        self.senders.add(self._due[: grant.turns])
        del self._due[: grant.turns]
        self._owed = len(self._places) if grant.paused else grant.shed  # who rests needs no place
        self.senders.shed(grant.shed)
        self.senders.pause(grant.paused)

    def _give_back(self, spare: int) -> None:
        given, self._places = self._places[:spare], self._places[spare:]
        self._owed = max(0, self._owed - spare)
        self.terms.limits.give_back(given)

    # The end

    def _end(self) -> None:
        """Nothing begins any more; what is under way gets a moment, because it is paid for."""
        unsent = [*self.senders.stop(), *self._due, *(call for _, _, call in self._later if call.reserved)]
        deadline = time.monotonic() + PATIENCE
        while not self.senders.idle and (left := deadline - time.monotonic()) > 0:
            self._arrived.extend(self.senders.results(min(left, 0.05)))
        for call, result in self._arrived:
            if isinstance(result, Answer):
                self._receive(call, result)
            elif not result.maybe_paid:
                unsent.append(call)
        try:
            if self._settled or unsent:
                self.ledger.close(self._settled, unsent)
        finally:
            self.terms.limits.give_back(self._places)
