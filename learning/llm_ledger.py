"""Writing calls down before they are sent: the seam, and the ledger of one process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from learning.engines.holds import likely_input, likely_output
from learning.engines.types import Completion, CompletionRequest, Cost
from learning.llm_answers import Answer
from learning.llm_cache import ResponseCache, to_answer
from learning.llm_prices import Hold, Price


@dataclass(slots=True, eq=False)
class Call:
    """One request on its way. `chunk`: whose it is, where chunks are worked on.

    `reserved`: it is written down and may be sent once; `failures`: tries that came to nothing; `spoilt`: answers that
    could not be read.
    """

    key: str
    request: CompletionRequest
    hold: Hold
    chunk: object = None
    reserved: bool = False
    failures: int = 0
    spoilt: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A call at its end. `counted`: what it came to is known, or estimated; else it stays held at its most."""

    call: Call
    completion: Completion
    counted: bool = True


def settle(call: Call, answer: Answer, price: Price | None) -> Settled:
    """A call with its answer. Tokens that the server did not count are estimated from the texts, and marked so."""
    asked, answered = answer.input_tokens, answer.output_tokens
    estimated = asked is None or answered is None
    asked = likely_input(call.request) if asked is None else asked
    answered = likely_output(call.request, answer.text) if answered is None else answered
    money = None if price is None else price.of(asked, answered)
    return Settled(
        call, Completion(answer.text, asked, answered, money=money, seconds=answer.seconds, estimated=estimated)
    )


@dataclass(frozen=True, slots=True)
class Permission:
    """How many of the wanted calls may be sent, from the first on; `reason` when it is not all of them.

    `later`: others hold a part of the budget and may give some of it back.
    """

    calls: int
    reason: str = ""
    later: bool = False


class Ledger(Protocol):
    """Used from one thread."""

    def exchange(self, settled: Sequence[Settled], wanted: Sequence[Call]) -> Permission:
        """Keep what was answered, and write down what is sent next. May raise what ends the work."""
        ...

    def close(self, settled: Sequence[Settled], unsent: Sequence[Call]) -> None:
        """The work ends here, whatever the reason: keep what was answered, give back what was never sent."""
        ...


@dataclass(slots=True)
class CallMeter:
    """Counts calls and refuses the one that would go over `limit`. Shared safely between threads.

    A call is one answer paid for: tries that the server turned down belong to it, one that timed out is a call of its
    own. `requests` counts what was really sent.
    """

    limit: int | None = None
    calls: int = 0
    requests: int = 0
    cost: Cost = field(default_factory=Cost)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, wanted: int) -> int:
        """How many calls are left for so many wanted; they are counted."""
        with self._lock:
            granted = wanted if self.limit is None else max(0, min(wanted, self.limit - self.calls))
            self.calls += granted
            return granted

    def give_back(self, calls: int) -> None:
        with self._lock:
            self.calls -= calls

    def sent(self) -> None:
        with self._lock:
            self.requests += 1

    def add(self, completion: Completion) -> None:
        with self._lock:
            self.cost += Cost.of(completion)


@dataclass(frozen=True, slots=True)
class MeterLedger:
    """The ledger of one client: its meter, and the cache that it was given."""

    meter: CallMeter
    cache: ResponseCache | None

    def exchange(self, settled: Sequence[Settled], wanted: Sequence[Call]) -> Permission:
        self._keep(settled)
        granted = self.meter.take(len(wanted))
        return Permission(granted, f"The limit of {self.meter.limit} calls is used up.")

    def close(self, settled: Sequence[Settled], unsent: Sequence[Call]) -> None:
        self._keep(settled)
        self.meter.give_back(len(unsent))

    def _keep(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            if self.cache is not None and not one.completion.error:
                self.cache.put(one.call.key, one.call.request.model, to_answer(one.completion))
