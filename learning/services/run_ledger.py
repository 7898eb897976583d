"""The budget of a run, over all its attempts and workers. A call is written down before it is sent.

So whatever ends a process, no call is forgotten: what was reserved and has no answer counts as paid. See
docs/decisions/0015.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from learning.engines.errors import BudgetExceeded, Cancelled
from learning.engines.types import Budget
from learning.llm_ledger import Call, Permission, Settled
from learning.models import RunStatus, TrainingRun
from learning.services import evaluation_chunks as chunks
from learning.services.arrived_answers import ArrivedAnswers
from learning.services.evaluation_chunks import ClaimedChunk
from learning.services.run_ledger_sql import Change, DoneChunk, RunRow, lock_run, write_change
from organizations.scope import organization_scope

BEAT = 1.0  # seconds between two signs of life for the chunks
PATIENCE = 30.0  # seconds that it is waited for what others hold


class LostClaim(Exception):
    """The run belongs to another attempt, or it is over. Leave quietly."""


@dataclass
class RunLedger:
    """Fits the Ledger protocol. `attempt`: of the run's own worker; None for one that helps."""

    organization_id: UUID
    run_id: UUID
    budget: Budget
    attempt: int | None = None
    arrived: ArrivedAnswers = field(init=False)
    mine: dict[ClaimedChunk, set[str]] = field(default_factory=dict)  # what is open of the chunks worked on here
    _refused: dict[ClaimedChunk, dict[str, str]] = field(default_factory=dict)
    _beaten: float = 0.0
    _held: int = 0  # tokens, by the calls that are under way here
    _waiting_since: float = 0.0

    def __post_init__(self) -> None:
        self.arrived = ArrivedAnswers(self.organization_id, self.run_id)

    def require_claim(self) -> None:
        """Raises LostClaim when the run belongs to another attempt, or is over."""
        mine = TrainingRun.objects.filter(pk=self.run_id, status=RunStatus.RUNNING, attempt=self.attempt or 0)
        if not mine.exists():
            raise LostClaim

    def watch(self, chunk: ClaimedChunk, keys: Sequence[str]) -> None:
        """This chunk is worked on here; it is done when these have their answers."""
        self.mine[chunk] = set(keys)
        self._beaten = self._beaten or time.monotonic()

    def exchange(self, settled: Sequence[Settled], wanted: Sequence[Call]) -> Permission:
        """Raises LostClaim, Cancelled, and BudgetExceeded when the time is over."""
        with self._locked() as run:
            self._check(run)
            spent = _spent(settled)
            allowed, reason = self._fit(run, spent, wanted)
            done = self._done(settled)
            self._write(spent + _reserved(wanted[:allowed]), settled, done)
            self._beat()
            self._held += sum(call.hold.tokens for call in wanted[:allowed])
            self._held -= sum(one.call.hold.tokens for one in settled)
            self._waiting_since = 0.0 if allowed else self._waiting_since
            later = bool(wanted) and not allowed and self._may_wait(run, spent)
        self._forget(done, settled)
        return Permission(allowed, reason, later)

    def close(self, settled: Sequence[Settled], unsent: Sequence[Call]) -> None:
        self._held, self._waiting_since = 0, 0.0
        self._keep(settled, unsent)

    def take_up(self, settled: Sequence[Settled]) -> None:
        """Keep what arrived for somebody who did not live to write it down."""
        self._keep(settled, [])

    def _keep(self, settled: Sequence[Settled], unsent: Sequence[Call]) -> None:
        with self._locked(even_over=True) as run:
            done = self._done(settled)
            kept = [] if run.forgotten else settled  # paid for, but any of them may repeat who is erased
            self._write(_spent(settled) + _given_back(unsent), kept, done)
        self._forget(done, settled)

    @contextmanager
    def _locked(self, even_over: bool = False) -> Iterator[RunRow]:
        """The run's row, ours alone until the end of this short transaction. Raises LostClaim."""
        with organization_scope(self.organization_id):
            run = lock_run(self.run_id)
            if run is None or not (even_over or run.status == RunStatus.RUNNING):
                raise LostClaim
            yield run

    def _check(self, run: RunRow) -> None:
        if self.attempt not in (None, run.attempt):
            raise LostClaim
        if run.cancel_requested:
            raise Cancelled("Cancelled by a person.")
        seconds = self.budget.seconds
        if seconds is not None and run.worked_seconds >= seconds:
            raise BudgetExceeded(f"The limit of {seconds:,g} seconds is used up.")

    def _fit(self, run: RunRow, spent: Change, wanted: Sequence[Call]) -> tuple[int, str]:
        """How many of the wanted calls fit into the budget, and what keeps the next one out."""
        limit = self.budget
        calls = run.llm_calls
        tokens = run.input_tokens + run.output_tokens + run.held_tokens
        tokens += spent.input_tokens + spent.output_tokens + spent.held_tokens
        money = (run.cost or Decimal(0)) + run.held_cost + spent.cost + spent.held_cost
        for fitting, call in enumerate(wanted):
            calls, tokens = calls + 1, tokens + call.hold.tokens
            money += call.hold.money or Decimal(0)
            if calls > limit.calls:
                return fitting, f"The limit of {limit.calls:,} calls is used up."
            if limit.tokens is not None and tokens > limit.tokens:
                return fitting, f"The limit of {limit.tokens:,} tokens has no room for one more call."
            if limit.money is not None and call.hold.money is None:
                return fitting, f"The price of {call.request.model} is unknown, so no limit in money can be kept."
            if limit.money is not None and money > limit.money:
                return fitting, f"The limit of {limit.money.normalize():,f} in money has no room for one more call."
        return len(wanted), ""

    def _may_wait(self, run: RunRow, spent: Change) -> bool:
        """Whether others hold tokens or money that they may not need. Not for ever: who holds it may be dead."""
        if run.llm_calls >= self.budget.calls or run.held_tokens + spent.held_tokens <= self._held:
            return False
        self._waiting_since = self._waiting_since or time.monotonic()
        patient = time.monotonic() - self._waiting_since < PATIENCE
        return patient and chunks.others_work(run_id=self.run_id, mine=self.mine)

    def _write(self, change: Change, settled: Sequence[Settled], done: Sequence[ClaimedChunk]) -> None:
        if settled or done or change != Change():
            ended = [DoneChunk(chunk.pk, chunk.attempt, self._refused.get(chunk, {})) for chunk in done]
            write_change(self.run_id, change, settled, ended)

    def _done(self, settled: Sequence[Settled]) -> list[ClaimedChunk]:
        """The chunks that these were the last of."""
        for one in settled:
            chunk = one.call.chunk
            if isinstance(chunk, ClaimedChunk) and chunk in self.mine:
                self.mine[chunk].discard(one.call.key)
                if one.completion.error:
                    self._refused.setdefault(chunk, {})[one.call.key] = one.completion.error
        return [chunk for chunk, left in self.mine.items() if not left]

    def _forget(self, done: Sequence[ClaimedChunk], settled: Sequence[Settled]) -> None:
        """What is in the database now."""
        self.arrived.forget(one.call.key for one in settled)
        for chunk in done:
            self.mine.pop(chunk, None)
            self._refused.pop(chunk, None)

    def _beat(self) -> None:
        if self.mine and time.monotonic() - self._beaten >= BEAT:
            self._beaten = time.monotonic()
            chunks.beat_chunks(chunks=self.mine)


def _reserved(calls: Sequence[Call]) -> Change:
    """What calls may come to at the most."""
    amounts = [call.hold.money for call in calls]
    known = sum((amount for amount in amounts if amount is not None), Decimal(0))
    tokens = sum(call.hold.tokens for call in calls)
    return Change(len(calls), held_tokens=tokens, held_cost=known, unpriced=None in amounts)


def _given_back(calls: Sequence[Call]) -> Change:
    """Calls that were written down and never sent."""
    held = _reserved(calls)
    return Change(-held.calls, held_tokens=-held.held_tokens, held_cost=-held.held_cost)


def _spent(settled: Sequence[Settled]) -> Change:
    """What was answered. A call that may have been paid for without an answer stays held at its most."""
    counted = [one for one in settled if one.counted]
    free = _reserved([one.call for one in counted])
    amounts = [one.completion.money for one in counted]
    return Change(
        input_tokens=sum(one.completion.input_tokens for one in counted),
        output_tokens=sum(one.completion.output_tokens for one in counted),
        held_tokens=-free.held_tokens,
        cost=sum((amount for amount in amounts if amount is not None), Decimal(0)),
        held_cost=-free.held_cost,
        unpriced=None in amounts,
        estimated_calls=sum(one.completion.estimated for one in counted),
    )
