"""Working through gates. The row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from celery import shared_task

from learning.attempts import Ends, attempt
from learning.engines.protocols import Progress
from learning.engines.safety.behavior import check_behavior, with_behavior
from learning.engines.safety.gate import check_candidate
from learning.engines.safety.hostile import check_safety
from learning.engines.safety.results import GateResult
from learning.engines.types import Cost
from learning.llm import OpenAIModel
from learning.services import gate
from learning.services.gate import LostGate
from learning.services.gate_work import GateWork
from learning.services.language_model import language_model
from learning.services.run_metric import make_metric
from learning.services.served_models import require_served
from organizations.scope import organization_scope
from organizations.stopping import raise_when_stopping
from organizations.tasks import each_organization, tenant_task
from organizations.work_queues import LONG

log = logging.getLogger(__name__)
BEAT_SECONDS = 2.0  # as often as the page asks


@tenant_task(name="learning.run_gate", queue=LONG)
def run_gate(*, organization_id: UUID, report_id: str) -> None:
    """Claim a gate, check the candidate outside of any transaction, record the outcome."""
    with organization_scope(organization_id):
        claim = gate.claim_gate(report_id=UUID(report_id))
    if claim is None:
        return
    try:
        with organization_scope(organization_id):
            work = gate.read_gate(claim=claim)
        if work is not None:
            _work_through(organization_id, work)
    except LostGate:
        log.warning("Gate %s belongs to another worker now", report_id)


def _work_through(organization_id: UUID, work: GateWork) -> None:
    """One attempt, to one of its ends."""
    mine: dict[str, Any] = {"report_id": work.report_id, "attempt": work.attempt}
    ends: Ends[GateResult] = Ends(
        finish=lambda result: gate.finish_gate(**mine, result=result),
        fail=lambda reason: gate.fail_gate(**mine, reason=reason),
        put_back=partial(gate.put_back_gate, **mine),
        lost=LostGate,
    )
    attempt(organization_id, partial(check, organization_id, work), ends)


@shared_task(name="learning.sweep_gates")
def sweep_gates() -> None:
    """Wake a worker for each gate that nobody works on."""
    each_organization(_wake_those_of)


def _wake_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        waiting = gate.open_gates()
    for report_id in waiting:
        run_gate.delay(organization_id=str(organization_id), report_id=str(report_id))


def check(organization_id: UUID, work: GateWork) -> GateResult:
    """The engine, with a heartbeat every few seconds. No transaction is open meanwhile."""
    require_served(work.models_asked())
    model = language_model(organization_id)
    spending = Spending(organization_id, work.report_id, model)
    metric: Any = make_metric(work.metric, work.metric_options)  # or a judge
    beaten = 0.0

    def progress(step: int, total: int, message: str, /) -> None:
        nonlocal beaten
        raise_when_stopping()
        if time.monotonic() - beaten >= BEAT_SECONDS:
            spending.write()
            with organization_scope(organization_id):
                gate.beat_gate(report_id=work.report_id, attempt=work.attempt, step=step, total=total, message=message)
            beaten = time.monotonic()

    try:
        return _check(work, model, metric, progress)
    finally:
        spending.write()


def _check(work: GateWork, model: OpenAIModel, metric: Any, progress: Progress) -> GateResult:
    """The behavior first: a config that cannot be read costs no call then."""
    ask = partial(check_candidate, work.current, work.candidate, work.examples, metric=metric)
    behavior = work.behavior
    if behavior is None:
        return ask(model=model, rules=work.rules, progress=progress)
    checked = check_behavior(
        behavior.current, behavior.candidate, behavior.held_out, usual=behavior.usual, rules=work.rules
    )
    if not work.examples:
        ask = partial(check_safety, work.current, work.candidate, behavior.requests())
    return with_behavior(ask(model=model, rules=work.rules, progress=progress), checked)


@dataclass
class Spending:
    """What the checks take, written down with every heartbeat: a killed worker leaves no more than that uncounted."""

    organization_id: UUID
    report_id: UUID
    model: OpenAIModel
    calls: int = 0
    cost: Cost = field(default_factory=Cost)

    def write(self) -> None:
        """Add what came since the last time."""
        calls, cost = self.model.meter.calls, self.model.meter.cost
        if (calls, cost) == (self.calls, self.cost):
            return
        new = Cost(
            input_tokens=cost.input_tokens - self.cost.input_tokens,
            output_tokens=cost.output_tokens - self.cost.output_tokens,
            money=None if cost.money is None else cost.money - (self.cost.money or Decimal(0)),
            estimated_calls=cost.estimated_calls - self.cost.estimated_calls,
        )
        with organization_scope(self.organization_id):
            gate.count_calls(report_id=self.report_id, calls=calls - self.calls, cost=new)
        self.calls, self.cost = calls, cost
