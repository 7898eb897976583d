"""What the worker of a training run writes. Every write names the attempt that it belongs to.

A worker that was thought dead and wakes up changes nothing: its attempt is over, and it is told so by LostClaim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, FloatField, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from learning.engines.errors import Cancelled, EngineError
from learning.engines.prompt import PromptResult
from learning.engines.types import Cost, Example, JsonObject, Prompt
from learning.models import DatasetVersion, GateReport, RunStatus, TrainingRun, TrainingRunLog
from learning.services import agents, datasets, evaluation_chunks, gate, training
from learning.services.run_config import RunConfig, read_run_config
from learning.services.run_ledger import LostClaim
from organizations import audit
from organizations.transitions import move


class TimedOut(EngineError):
    """The run took longer than it may."""


@dataclass(frozen=True)
class Claim:
    """Whose run it is: the attempt fences off a worker that was thought dead."""

    run_id: UUID
    attempt: int


@dataclass(frozen=True)
class RunWork:
    """What a claimed run needs, read in one go: the engine works outside of any transaction.

    `spent`: what earlier attempts cost.
    """

    claim: Claim
    prompt: Prompt
    examples: Sequence[Example]
    version_id: UUID
    test_count: int
    wishes: RunConfig
    seed: int
    spent: Cost
    started_at: datetime


def claim_run(*, run_id: UUID) -> RunWork | None:
    """Take a run that nobody has, or whose worker went silent; None when it is not to be had."""
    now = timezone.now()
    taken = TrainingRun.objects.filter(training.claimable(), pk=run_id).update(
        status=RunStatus.RUNNING,
        attempt=F("attempt") + 1,
        heartbeat_at=now,
        started_at=Coalesce(F("started_at"), now),
        current_step="Starting",
    )
    if not taken:
        return None
    run = TrainingRun.objects.select_related("base_config", "dataset_version").get(pk=run_id)
    audit.record(action="trainingrun.claimed", target=run, after={"attempt": run.attempt})
    again = "" if run.attempt == 1 else f"Attempt {run.attempt}: the worker before it went silent. "
    _log(run, f"{again}Starting from config {run.base_config.number} with {run.dataset_version.total} examples.")
    return RunWork(
        claim=Claim(run.pk, run.attempt),
        prompt=Prompt.from_content(run.base_config.content),
        examples=datasets.open_examples(run.dataset_version),
        version_id=run.dataset_version_id,
        test_count=run.dataset_version.test_count,
        wishes=read_run_config(run.config),
        seed=run.seed,
        spent=Cost(run.llm_calls, 0, run.input_tokens, run.output_tokens, run.cost),
        started_at=run.started_at or now,
    )


def record_progress(
    *, claim: Claim, step: int, total: int, message: str, cost: Cost | None = None, metrics: JsonObject | None = None
) -> None:
    """Heartbeat and place in one UPDATE; `metrics`: what is known until now.

    `cost` is for engines whose calls no ledger writes down (learning/services/run_ledger.py).

    Raises LostClaim when the run is no longer ours, Cancelled when a person asked, TimedOut when it took too long.
    """
    now = timezone.now()
    written = _mine(claim).update(
        heartbeat_at=now,
        # Many calls may be asked for in one step: those that were sent count at once.
        progress_percentage=_percentage(step, total),
        current_step=message[:200],
        total_steps=total,
        **_cost(cost),
        **({} if metrics is None else {"metrics": metrics}),
    )
    if not written:
        raise LostClaim
    cancel, started = TrainingRun.objects.values_list("cancel_requested", "started_at").get(pk=claim.run_id)
    if cancel:
        raise Cancelled("Cancelled by a person.")
    if started and started < now - training.timeout():
        raise TimedOut(f"The run took longer than {training.timeout().total_seconds():.0f} seconds.")


def beat_run(*, claim: Claim) -> None:
    """The worker is alive. Says nothing when the run is not its own any more."""
    _mine(claim).update(heartbeat_at=timezone.now())


def append_log(*, claim: Claim, message: str, level: str = "info") -> None:
    """One line of the run's log, while the run is ours."""
    run = _mine(claim).only("pk", "organization_id").first()
    if run is not None:
        _log(run, message, level)


def read_test_split(*, claim: Claim) -> list[Example]:
    """Open the sealed test split for the confirmation. Raises LostClaim: only the run's worker may look."""
    run = _mine(claim).select_related("dataset_version").first()
    if run is None:
        raise LostClaim
    version: DatasetVersion = run.dataset_version
    return datasets.read_test_split(version=version, run=run)


def finish_run(*, claim: Claim, result: PromptResult, cost: Cost | None = None) -> GateReport | None:
    """Record the outcome. A confirmed gain becomes a candidate config with its gate queued, which is returned.

    Raises LostClaim when another attempt has the run.
    """
    with transaction.atomic():
        run = _settle(claim, RunStatus.COMPLETED, cost, metrics=result.as_json(), progress_percentage=100.0)
        _log(run, _summary(result, run.config.get("metric", "")))
        if result.candidate is None:
            return None
        run.candidate_config = agents.create_candidate_config(run=run, content=result.candidate.content())
        run.save(update_fields=["candidate_config", "updated_at"])
        return gate.start_gate(config=run.candidate_config, run=run)


def fail_run(*, claim: Claim, reason: str, cost: Cost | None = None) -> None:
    """End the run with a reason in words for a person. Raises LostClaim."""
    with transaction.atomic():
        run = _settle(claim, RunStatus.FAILED, cost, failure_reason=reason)
        _log(run, reason, "error")


def put_back_run(*, claim: Claim, cost: Cost | None = None) -> None:
    """The product stops: the run waits for its next start, and this attempt does not count. Raises LostClaim."""
    with transaction.atomic():
        run: TrainingRun | None = _mine(claim).select_for_update().first()
        if run is None:
            raise LostClaim
        values: dict[str, Any] = {"attempt": claim.attempt - 1, "current_step": "Stopped with the product"}
        move(run, RunStatus.PENDING, **values | _cost(cost))
        _log(run, "Stopped with the product. The run goes on after the next start.")


def cancel_run(*, claim: Claim, cost: Cost | None = None) -> None:
    """End the run because a person asked. Raises LostClaim."""
    with transaction.atomic():
        _log(_settle(claim, RunStatus.CANCELLED, cost), "Cancelled by a person.")


def _mine(claim: Claim) -> Any:
    return TrainingRun.objects.filter(pk=claim.run_id, attempt=claim.attempt, status=RunStatus.RUNNING)


def _settle(claim: Claim, status: str, cost: Cost | None, **values: Any) -> TrainingRun:
    """Move our run to its end. The row is locked first, so that a new claim cannot slip in between."""
    run: TrainingRun | None = _mine(claim).select_for_update().first()
    if run is None or run.started_at is None:
        raise LostClaim
    now = timezone.now()
    seconds = (now - run.started_at).total_seconds()
    values |= {"finished_at": now, "seconds": seconds, "current_step": "", **_cost(cost)}
    move(run, status, **values)
    evaluation_chunks.forget_run(run_id=run.pk)
    return run


def _percentage(step: int, total: int) -> Least:
    asked = Greatest(Value(step), F("llm_calls"), output_field=FloatField())
    return Least(Value(100.0), asked * (100.0 / max(1, total)), output_field=FloatField())


def _cost(cost: Cost | None) -> dict[str, Any]:
    """The columns of a cost; none where the ledger has written them."""
    if cost is None:
        return {}
    columns = {"llm_calls": cost.calls, "input_tokens": cost.input_tokens, "output_tokens": cost.output_tokens}
    return columns | {"cost": cost.money}


def _log(run: TrainingRun, message: str, level: str = "info") -> None:
    TrainingRunLog.objects.create(run=run, message=message, level=level)


def _summary(result: PromptResult, metric: str) -> str:
    if result.confirmation is None:
        return "No variant beat the current prompt on the validation examples. The test split stays sealed."
    of = "token F1 on" if metric == "token_f1" else "of"
    gain, before, after = result.confirmation.improvement, result.confirmation.before, result.confirmation.after
    return (
        f"{result.verdict.capitalize()}: {before.mean:.0%} -> {after.mean:.0%} {of} {gain.n} untouched cases, "
        f"{100 * gain.mean:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], p = {gain.p_value:.2g}."
    )
