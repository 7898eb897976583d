"""Working through gates. The row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from celery import shared_task

from learning.engines.errors import EngineError
from learning.engines.metrics import resolve_metric
from learning.engines.safety.gate import GateResult, check_candidate
from learning.services import gate
from learning.services.language_model import language_model
from organizations.scope import organization_scope
from organizations.stopping import Stopping, raise_when_stopping
from organizations.tasks import each_organization, tenant_task

log = logging.getLogger(__name__)
BEAT_SECONDS = 2.0  # as often as the page asks


@tenant_task(name="learning.run_gate")
def run_gate(*, organization_id: UUID, report_id: str) -> None:
    """Claim a gate, check the candidate outside of any transaction, record the outcome."""
    with organization_scope(organization_id):
        work = gate.claim_gate(report_id=UUID(report_id))
    if work is None:
        return
    try:
        result = check(organization_id, work)
    except Stopping:
        with organization_scope(organization_id):
            gate.put_back_gate(report_id=work.report_id, attempt=work.attempt)
        return
    except (EngineError, ValueError) as error:
        log.warning("Gate %s could not be worked through: %s", report_id, error)
        with organization_scope(organization_id):
            gate.fail_gate(report_id=work.report_id, attempt=work.attempt, reason=str(error))
        return
    with organization_scope(organization_id):
        gate.finish_gate(report_id=work.report_id, attempt=work.attempt, result=result)


@shared_task(name="learning.sweep_gates")
def sweep_gates() -> None:
    """Wake a worker for each gate that nobody works on."""
    each_organization(_wake_those_of)


def _wake_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        waiting = gate.open_gates()
    for report_id in waiting:
        run_gate.delay(organization_id=str(organization_id), report_id=str(report_id))


def check(organization_id: UUID, work: gate.GateWork) -> GateResult:
    """The engine, with a heartbeat every few seconds. No transaction is open meanwhile."""
    beaten = 0.0

    def progress(step: int, total: int, message: str, /) -> None:
        nonlocal beaten
        raise_when_stopping()
        if time.monotonic() - beaten >= BEAT_SECONDS:
            with organization_scope(organization_id):
                gate.beat_gate(report_id=work.report_id, attempt=work.attempt, step=step, total=total, message=message)
            beaten = time.monotonic()

    return check_candidate(
        work.current,
        work.candidate,
        work.examples,
        model=language_model(organization_id),
        metric=resolve_metric(work.metric),
        rules=work.rules,
        progress=progress,
    )
