"""What the worker of a training run writes. Every write names the attempt that it belongs to.

A worker that was thought dead and wakes up changes nothing: its attempt is over, and it is told so by LostClaim.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, FloatField, Value
from django.db.models.functions import Coalesce, Extract, Greatest, Least
from django.utils import timezone

from learning.engines.behavior.corrections import Correction
from learning.engines.behavior.episodes import Episode
from learning.engines.errors import Cancelled, EngineError
from learning.engines.prompt import PromptResult
from learning.engines.types import Cost, Example, JsonObject, Prompt
from learning.models import DatasetVersion, GateReport, RunStatus, TrainingRun, TrainingRunLog, TrainingType
from learning.services import agents, behavior_data, datasets, evaluation_chunks, gate, training
from learning.services.behavior_runs import BehaviorResult
from learning.services.run_config import RunConfig, read_run_config
from learning.services.run_ledger import LostClaim
from organizations import audit
from organizations.errors import Refused
from organizations.transitions import move

log = logging.getLogger(__name__)


class TimedOut(EngineError):
    """The run took longer than it may."""


@dataclass(frozen=True)
class Claim:
    """Whose run it is: the attempt fences off a worker that was thought dead."""

    run_id: UUID
    attempt: int


@dataclass(frozen=True)
class BehaviorWork:
    """What a run that learns behavior reads instead of examples."""

    episodes: Sequence[Episode]
    corrections: Sequence[Correction]
    base: JsonObject


@dataclass(frozen=True)
class RunWork:
    """What a claimed run needs, read in one go: the engine works outside of any transaction.

    `worked`: seconds that earlier attempts took.
    """

    claim: Claim
    prompt: Prompt
    examples: Sequence[Example]
    version_id: UUID
    test_count: int
    wishes: RunConfig
    seed: int
    worked: float
    behavior: BehaviorWork | None = None


def claim_run(*, run_id: UUID) -> Claim | None:
    """Take a run that nobody has, or whose worker went silent; None when it is not to be had.

    A transaction of its own, before `read_work`: an attempt counts also where reading kills the worker.
    """
    now = timezone.now()
    taken = TrainingRun.objects.filter(training.claimable(), pk=run_id).update(
        status=RunStatus.RUNNING,
        attempt=F("attempt") + 1,
        heartbeat_at=now,
        started_at=Coalesce(F("started_at"), now),
        seconds=F("seconds") + _until_silence(),
        claimed_at=now,
        current_step="Starting",
    )
    if not taken:
        return None
    run = TrainingRun.objects.select_related("base_config", "dataset_version").get(pk=run_id)
    audit.record(action="trainingrun.claimed", target=run, after={"attempt": run.attempt})
    again = "" if run.attempt == 1 else f"Attempt {run.attempt}: the worker before it went silent. "
    _log(run, f"{again}Starting from config {run.base_config.number} with {run.dataset_version.total:,} examples.")
    return Claim(run.pk, run.attempt)


def read_work(*, claim: Claim) -> RunWork | None:
    """What a claimed run needs. One that cannot be read ends here, with the reason: then there is nothing to do.

    Raises LostClaim, and DatabaseError: that may pass.
    """
    run = _mine(claim).select_related("base_config", "dataset_version").first()
    if run is None:
        raise LostClaim
    try:
        return _read(run, claim)
    except DatabaseError:
        raise
    except Exception as error:  # whatever is wrong with the row, it would be as wrong the next time
        log.warning("Training run %s cannot be read", claim.run_id, exc_info=error)
        known = str(error) if isinstance(error, Refused | ValueError) else f"internal error: {type(error).__name__}"
        fail_run(claim=claim, reason=f"What this run was asked to do cannot be read any more: {known}")
        return None


def _read(run: TrainingRun, claim: Claim) -> RunWork:
    learns_behavior = run.training_type == TrainingType.BEHAVIOR_CLONING
    return RunWork(
        claim=claim,
        prompt=Prompt.from_content(run.base_config.content),
        examples=[] if learns_behavior else datasets.open_examples(run.dataset_version),
        version_id=run.dataset_version_id,
        test_count=run.dataset_version.test_count,
        wishes=read_run_config(run.config),
        seed=run.seed,
        worked=run.seconds,
        behavior=_read_behavior(run) if learns_behavior else None,
    )


def _read_behavior(run: TrainingRun) -> BehaviorWork:
    return BehaviorWork(
        episodes=behavior_data.read_episodes(run.dataset_version),
        corrections=behavior_data.read_corrections(run.dataset_version, run.agent),
        base=run.base_config.content,
    )


def record_progress(
    *, claim: Claim, step: int, total: int, message: str, cost: Cost | None = None, metrics: JsonObject | None = None
) -> int:
    """Heartbeat and place in one UPDATE; `metrics`: what is known until now. Gives the calls that were made so far.

    `cost` is for engines whose calls no ledger writes down (learning/services/run_ledger.py).

    Raises LostClaim when the run is no longer ours, Cancelled when a person asked, TimedOut when it took too long.
    """
    written = _mine(claim).update(
        heartbeat_at=timezone.now(),
        # Many calls may be asked for in one step: those that were sent count at once.
        progress_percentage=_percentage(step, total),
        current_step=message[:200],
        total_steps=total,
        **_cost(cost),
        **({} if metrics is None else {"metrics": metrics}),
    )
    if not written:
        raise LostClaim
    looked_at = ("cancel_requested", "llm_calls", "seconds", "claimed_at", "heartbeat_at")
    run = TrainingRun.objects.only(*looked_at).get(pk=claim.run_id)
    if run.cancel_requested:
        raise Cancelled("Cancelled by a person.")
    if training.is_late(run):
        raise TimedOut(training.too_late())
    return run.llm_calls


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


def read_test_episodes(*, claim: Claim) -> list[Episode]:
    """The demonstrations of the sealed test split. Raises LostClaim: only the run's worker may look."""
    run = _mine(claim).select_related("dataset_version").first()
    if run is None:
        raise LostClaim
    return behavior_data.read_test_episodes(version=run.dataset_version, run=run)


def finish_run(*, claim: Claim, result: PromptResult | BehaviorResult, cost: Cost | None = None) -> GateReport | None:
    """Record the outcome. A confirmed gain becomes a candidate config with its gate queued, which is returned.

    What an earlier run proposed already has had its gate: then None. Raises LostClaim when another attempt has the run.
    """
    with transaction.atomic():
        run = _settle(claim, RunStatus.COMPLETED, cost, metrics=result.as_json(), progress_percentage=100.0)
        _log(run, _summary(result, run.config.get("metric", "")))
        candidate = result.candidate
        if candidate is None:
            return None
        config = agents.propose_config(run=run, content=candidate.content())
        run.candidate_config = config
        run.save(update_fields=["candidate_config", "updated_at"])
        if config.training_run_id == run.pk:
            return gate.start_gate(config=config, run=run)
        _log(run, f"Config {config.number}, which an earlier run proposed, is the same: no second one is made.")
        return None


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
        move(run, RunStatus.PENDING, **values | training.end_of_work(run) | _cost(cost))
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
    if run is None:
        raise LostClaim
    values |= {"finished_at": timezone.now(), "current_step": "", **training.end_of_work(run), **_cost(cost)}
    move(run, status, **values)
    evaluation_chunks.forget_run(run_id=run.pk)
    return run


def _until_silence() -> Any:
    """Seconds that the worker before worked until it was last heard of; 0 when there was none."""
    silent = Extract(F("heartbeat_at") - F("claimed_at"), "epoch", output_field=FloatField())
    return Greatest(Value(0.0), silent, output_field=FloatField())  # of NULL and 0 the database takes 0


def _percentage(step: int, total: int) -> Least:
    asked = Greatest(Value(step), F("llm_calls"), output_field=FloatField())
    return Least(Value(100.0), asked * (100.0 / max(1, total)), output_field=FloatField())


def _cost(cost: Cost | None) -> dict[str, Any]:
    """The columns of a cost; none where the ledger has written them."""
    if cost is None:
        return {}
    columns = {"llm_calls": cost.calls, "input_tokens": cost.input_tokens, "output_tokens": cost.output_tokens}
    return columns | {"cost": cost.money, "estimated_calls": cost.estimated_calls}


def _log(run: TrainingRun, message: str, level: str = "info") -> None:
    TrainingRunLog.objects.create(run=run, message=message, level=level)


def _summary(result: PromptResult | BehaviorResult, metric: str) -> str:
    if isinstance(result, BehaviorResult):
        return result.summary
    if result.confirmation is None and result.opened:
        return f"No measurable improvement: too few independent test examples were answered. {result.ended}".strip()
    if result.confirmation is None:
        return "No variant beat the current prompt on the validation examples. The test split stays sealed."
    of = "token F1 on" if metric == "token_f1" else "of"
    gain, before, after = result.confirmation.improvement, result.confirmation.before, result.confirmation.after
    return (
        f"{result.verdict.capitalize()}: {before.mean:.0%} -> {after.mean:.0%} {of} {gain.n:,} untouched cases, "
        f"{100 * gain.mean:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], p = {gain.p_value:.2g}."
    )
