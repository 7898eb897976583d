"""The budget of a run, over all its attempts and workers. A call is written down before it is sent.

So whatever ends a process, no call is forgotten: what was reserved and has no answer counts as paid. See
docs/decisions/0015.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from learning.engines.errors import BudgetExceeded, Cancelled
from learning.engines.types import Budget
from learning.llm_ledger import Call, Permission, Settled
from learning.models import RunStatus, TrainingRun
from learning.services import evaluation_chunks as chunks
from learning.services.evaluation_chunks import ClaimedChunk
from learning.services.language_model import keep_answers
from organizations.scope import organization_scope

BEAT = 1.0  # seconds between two signs of life for the chunks
COLUMNS = ("status", "attempt", "cancel_requested", "started_at", "llm_calls", "input_tokens", "output_tokens",
           "held_tokens", "cost", "held_cost")  # fmt: skip


class LostClaim(Exception):
    """The run belongs to another attempt, or it is over. Leave quietly."""


@dataclass
class RunLedger:
    """Fits the Ledger protocol. `attempt`: of the run's own worker; None for one that helps."""

    organization_id: UUID
    run_id: UUID
    budget: Budget
    attempt: int | None = None
    mine: dict[ClaimedChunk, set[str]] = field(default_factory=dict)  # what is open of the chunks worked on here
    _refused: dict[UUID, dict[str, str]] = field(default_factory=dict)
    _beaten: float = 0.0

    def watch(self, chunk: ClaimedChunk, keys: Sequence[str]) -> None:
        """This chunk is worked on here; it is done when these have their answers."""
        self.mine[chunk] = set(keys)

    def exchange(self, settled: Sequence[Settled], wanted: Sequence[Call]) -> Permission:
        """Raises LostClaim, Cancelled, and BudgetExceeded when the time is over."""
        with self._locked() as run:
            self._check(run)
            keep_answers(settled=settled)
            spent = _spent(settled)
            allowed, reason = self._fit(run, spent, wanted)
            self._write(run, spent, wanted[:allowed])
            self._record(settled)
            later = bool(wanted) and not allowed and chunks.others_work(run_id=self.run_id, mine=self.mine)
        return Permission(allowed, reason, later)

    def close(self, settled: Sequence[Settled], unsent: Sequence[Call]) -> None:
        with self._locked() as run:
            if run is None:
                return
            keep_answers(settled=settled)
            spent = _spent(settled)
            back = _Held.of(unsent)
            spent |= {"llm_calls": -len(unsent), "held_tokens": spent["held_tokens"] - back.tokens,
                      "held_cost": spent["held_cost"] - back.money}  # fmt: skip
            self._write(run, spent, [])
            self._record(settled)

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any] | None]:
        """The run's row, ours alone until the end of this short transaction."""
        with organization_scope(self.organization_id):
            rows = TrainingRun.objects.filter(pk=self.run_id).select_for_update(no_key=True)
            yield rows.values(*COLUMNS).first()

    def _check(self, run: dict[str, Any] | None) -> None:
        if run is None or run["status"] != RunStatus.RUNNING or self.attempt not in (None, run["attempt"]):
            raise LostClaim
        if run["cancel_requested"]:
            raise Cancelled("Cancelled by a person.")
        seconds = self.budget.seconds
        if seconds is not None and run["started_at"] + timedelta(seconds=seconds) <= timezone.now():
            raise BudgetExceeded(f"The limit of {seconds:g} seconds is used up.")

    def _fit(self, run: Any, spent: dict[str, Any], wanted: Sequence[Call]) -> tuple[int, str]:
        """How many of the wanted calls fit into the budget, and what keeps the next one out."""
        calls = run["llm_calls"]
        tokens = sum(run[name] + spent[name] for name in ("input_tokens", "output_tokens", "held_tokens"))
        money = (run["cost"] or Decimal(0)) + run["held_cost"] + spent["cost"] + spent["held_cost"]
        for fitting, call in enumerate(wanted):
            calls, tokens = calls + 1, tokens + call.hold.tokens
            money += call.hold.money or Decimal(0)
            if calls > self.budget.calls:
                return fitting, f"The limit of {self.budget.calls} calls is used up."
            if self.budget.tokens is not None and tokens > self.budget.tokens:
                return fitting, f"The limit of {self.budget.tokens} tokens has no room for one more call."
            if self.budget.money is not None and (call.hold.money is None or money > self.budget.money):
                return (
                    fitting,
                    f"The limit of {self.budget.money.normalize():f} in money has no room for one more call.",
                )
        return len(wanted), ""

    def _write(self, run: Any, spent: dict[str, Any], reserved: Sequence[Call]) -> None:
        held = _Held.of(reserved)
        change = spent | {
            "llm_calls": spent.get("llm_calls", 0) + len(reserved),
            "held_tokens": spent["held_tokens"] + held.tokens,
            "held_cost": spent["held_cost"] + held.money,
        }
        unknown = change.pop("unpriced") or held.unpriced
        values: dict[str, Any] = {name: F(name) + amount for name, amount in change.items() if amount}
        if unknown and run["cost"] is not None:
            values["cost"] = None
        if values:
            TrainingRun.objects.filter(pk=self.run_id).update(**values)

    def _record(self, settled: Sequence[Settled]) -> None:
        """What this means for the chunks."""
        for one in settled:
            chunk = one.call.chunk
            if isinstance(chunk, ClaimedChunk) and chunk in self.mine:
                self.mine[chunk].discard(one.call.key)
                if one.completion.error:
                    self._refused.setdefault(chunk.pk, {})[one.call.key] = one.completion.error
        for chunk in [chunk for chunk, left in self.mine.items() if not left]:
            chunks.finish_chunk(chunk=chunk, refused=self._refused.get(chunk.pk, {}))
            del self.mine[chunk]
        if self.mine and time.monotonic() - self._beaten >= BEAT:
            self._beaten = time.monotonic()
            chunks.beat_chunks(chunks=self.mine)


@dataclass(frozen=True)
class _Held:
    tokens: int
    money: Decimal
    unpriced: bool

    @classmethod
    def of(cls, calls: Sequence[Call]) -> _Held:
        amounts = [call.hold.money for call in calls]
        known = [amount for amount in amounts if amount is not None]
        return cls(sum(call.hold.tokens for call in calls), sum(known, Decimal(0)), len(known) < len(amounts))


def _spent(settled: Sequence[Settled]) -> dict[str, Any]:
    """By how much the columns of the run change. A call whose tokens nobody counted stays held at its most."""
    counted = [one for one in settled if one.counted]
    free = _Held.of([one.call for one in counted])
    known = [one.completion.money for one in counted if one.completion.money is not None]
    return {
        "input_tokens": sum(one.completion.input_tokens for one in counted),
        "output_tokens": sum(one.completion.output_tokens for one in counted),
        "cost": sum(known, Decimal(0)),
        "held_tokens": -free.tokens,
        "held_cost": -free.money,
        "unpriced": len(known) < len(counted),
    }
