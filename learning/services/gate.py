"""The gate before deployment: checks by the product, then a person's decision. Both are recorded."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from learning.engines.safety.results import GateResult
from learning.engines.types import Cost
from learning.models import AgentConfig, ConfigStatus, GateReport, GateStatus, TrainingRun
from learning.services.gate_work import GateClaim, GateWork, work_of
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.transitions import move

log = logging.getLogger(__name__)
SILENCE = timedelta(seconds=60)  # a gate whose heartbeat is older is taken over
MOST_ATTEMPTS = 3


class LostGate(Exception):
    """The gate belongs to another attempt, or it is over. Leave quietly."""


def start_gate(*, config: AgentConfig, run: TrainingRun | None = None) -> GateReport:
    """Queue the checks of a candidate or draft; the pending row is the message."""
    if config.status not in (ConfigStatus.CANDIDATE, ConfigStatus.DRAFT):
        raise Conflict(
            f"Config {config.number} is {config.status}; the gate is for drafts and candidates.", "config_id"
        )
    open_report = config.gate_reports.filter(status__in=[GateStatus.PENDING, GateStatus.RUNNING]).first()
    if open_report:
        return open_report
    report = GateReport.objects.create(config=config, training_run=run or config.training_run)
    audit.record(action="gatereport.started", target=report, after={"config": config.number})
    return report


def check_again(*, report: GateReport) -> GateReport:
    """The same checks once more after they failed, as a new report; the old one stays as it was.

    For a model that was away; without a training run also for a newer dataset version. Raises Conflict unless the
    report has failed, is undecided and is the newest of its config.
    """
    if report.status != GateStatus.FAILED or report.approved is not None:
        raise Conflict("Only checks that failed, and that nobody has decided about, can be made again.", "status")
    if newest_report(report.config_id) != report:
        raise Conflict("These checks were made again already.", "status")
    return start_gate(config=report.config, run=report.training_run)


def newest_report(config_id: UUID) -> GateReport | None:
    """The report that counts for a config."""
    return GateReport.objects.filter(config=config_id).order_by("-id").first()


def claim_gate(*, report_id: UUID) -> GateClaim | None:
    """Take a pending gate, or one whose worker went silent; None when somebody else has it.

    A transaction of its own, before `read_gate`: an attempt counts also where reading kills the worker.
    """
    free = Q(status=GateStatus.PENDING) | (_silent() & Q(attempt__lt=MOST_ATTEMPTS))
    taken = GateReport.objects.filter(free, pk=report_id).update(
        status=GateStatus.RUNNING, attempt=F("attempt") + 1, heartbeat_at=timezone.now()
    )
    if not taken:
        return None
    report = GateReport.objects.get(pk=report_id)
    audit.record(action="gatereport.claimed", target=report, after={"attempt": report.attempt})
    return GateClaim(report.pk, report.attempt)


def read_gate(*, claim: GateClaim) -> GateWork | None:
    """What a claimed gate needs. One that cannot be read ends here, with the reason: then there is nothing to do.

    Raises LostGate, and DatabaseError: that may pass.
    """
    mine = _mine(claim.report_id, claim.attempt)
    report = mine.select_related("config__parent", "training_run__dataset_version").first()
    if report is None:
        raise LostGate
    try:
        return work_of(report)
    except DatabaseError:
        raise
    except Exception as error:  # whatever is wrong with the rows, it would be as wrong the next time
        log.warning("Gate %s cannot be read", report.pk, exc_info=error)
        known = str(error) if isinstance(error, Refused | ValueError) else f"internal error: {type(error).__name__}"
        reason = f"What is to be checked cannot be read any more: {known}"
        fail_gate(report_id=report.pk, attempt=report.attempt, reason=reason)
        return None


def beat_gate(*, report_id: UUID, attempt: int, step: int = 0, total: int = 0, message: str = "") -> None:
    """Say that the gate is still being worked on: `step` of `total` answers are there. Raises LostGate."""
    written = _mine(report_id, attempt).update(
        heartbeat_at=timezone.now(), summary={"step": step, "total": total, "message": message}
    )
    if not written:
        raise LostGate


def count_calls(*, report_id: UUID, calls: int, cost: Cost) -> None:
    """Add what the checks took since the last time: so many calls, and the tokens and the money of `cost`.

    Whoever made them and whosever the gate is by now: what was spent was spent.
    """
    GateReport.objects.filter(pk=report_id).update(
        llm_calls=F("llm_calls") + calls,
        input_tokens=F("input_tokens") + cost.input_tokens,
        output_tokens=F("output_tokens") + cost.output_tokens,
        estimated_calls=F("estimated_calls") + cost.estimated_calls,
        cost=None if cost.money is None else F("cost") + cost.money,
    )


def finish_gate(*, report_id: UUID, attempt: int, result: GateResult) -> None:
    """Record what was found, unless another worker has taken over."""
    status = GateStatus.PASSED if result.passed else GateStatus.FAILED
    cases = [asdict(case) for case in result.cases]
    _settle(report_id, attempt, status, cases=cases, summary=result.summary())


def put_back_gate(*, report_id: UUID, attempt: int) -> None:
    """The product stops: the gate waits for its next start, and this attempt does not count."""
    _settle(report_id, attempt, GateStatus.PENDING, attempt=attempt - 1)


def fail_gate(*, report_id: UUID, attempt: int, reason: str) -> None:
    """The gate could not be worked through: that is no pass."""
    _settle(report_id, attempt, GateStatus.FAILED, summary={"passed": False, "reasons": [reason]})


def open_gates() -> list[UUID]:
    """Gates that nobody works on, for the sweeper; those that were tried too often are failed here."""
    for report in GateReport.objects.filter(_silent(), attempt__gte=MOST_ATTEMPTS):
        fail_gate(report_id=report.pk, attempt=report.attempt, reason=f"The worker went silent {report.attempt} times.")
    waiting = Q(status=GateStatus.PENDING) | _silent()
    return list(GateReport.objects.filter(waiting).order_by("id").values_list("pk", flat=True))


def approve_config(*, report: GateReport, user: Any, note: str = "") -> AgentConfig:
    """A person lets the config go before users. Raises Conflict unless the gate has passed and is undecided."""
    if report.status != GateStatus.PASSED:
        raise Conflict("The gate has not passed, so the config cannot be approved.", "status")
    with transaction.atomic():
        _decide(report, user, note, approved=True)
        move(report.config, ConfigStatus.APPROVED)
    return report.config


def reject_config(*, report: GateReport, user: Any, note: str = "") -> AgentConfig:
    """A person says no; the config is retired. Raises Conflict while the gate is open, or when it was decided."""
    if report.status not in (GateStatus.PASSED, GateStatus.FAILED):
        raise Conflict("The gate is not finished yet.", "status")
    with transaction.atomic():
        _decide(report, user, note, approved=False)
        move(report.config, ConfigStatus.RETIRED)
    return report.config


def require_approved(*, config: AgentConfig) -> None:
    """Raises Conflict unless the config may go before users.

    A config becomes approved in two ways only: by `approve_config` after a passed gate, or as an agent's very first.
    """
    if config.status != ConfigStatus.APPROVED:
        raise Conflict(
            f"Config {config.number} is {config.status}. It must pass the gate and be approved by a person first.",
            "config_id",
        )


def _silent() -> Q:
    return Q(status=GateStatus.RUNNING, heartbeat_at__lt=timezone.now() - SILENCE)


def _mine(report_id: UUID, attempt: int) -> Any:
    return GateReport.objects.filter(pk=report_id, attempt=attempt, status=GateStatus.RUNNING)


def _settle(report_id: UUID, claimed: int, status: str, **values: Any) -> None:
    report = _mine(report_id, claimed).first()
    if report is not None:
        move(report, status, **values)


def _decide(report: GateReport, user: Any, note: str, *, approved: bool) -> None:
    decided = GateReport.objects.filter(pk=report.pk, approved=None).update(
        approved=approved, decided_by=user, decided_at=timezone.now(), decision_note=note
    )
    if not decided:
        raise Conflict("Somebody has decided already. Load the page again.", "approved")
    audit.record(
        action="gatereport.approved" if approved else "gatereport.rejected",
        target=report,
        after={"config": report.config.number, "note": note},
    )
