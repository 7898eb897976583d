"""Working through training runs. The row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from celery import shared_task

from learning.engines.errors import Cancelled, EngineError
from learning.engines.metrics import resolve_metric
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.protocols import Progress
from learning.engines.types import Budget, Cost, Example, SealedSplit
from learning.gate_tasks import run_gate
from learning.llm import OpenAIModel
from learning.services import run_progress, training
from learning.services.language_model import language_model
from learning.services.run_progress import LostClaim, RunWork
from organizations.scope import organization_scope
from organizations.stopping import Stopping, raise_when_stopping
from organizations.tasks import each_organization, tenant_task

log = logging.getLogger(__name__)
BEAT_SECONDS = 1.0


@tenant_task(name="learning.run_training")
def run_training(*, organization_id: UUID, run_id: str) -> None:
    """Claim a run, let the engine work outside of any transaction, record the outcome."""
    with organization_scope(organization_id):
        work = run_progress.claim_run(run_id=UUID(run_id))
    if work is None:
        return
    try:
        _work_through(organization_id, work)
    except LostClaim:
        log.warning("Training run %s belongs to another worker now", run_id)


@shared_task(name="learning.sweep_training")
def sweep_training() -> None:
    """Wake a worker for each run that nobody works on, and end those that nobody will finish."""
    each_organization(_wake_those_of)


def _wake_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        due = training.due_runs()
    for run_id in due:
        run_training.delay(organization_id=str(organization_id), run_id=str(run_id))


def _work_through(organization_id: UUID, work: RunWork) -> None:
    """One attempt, to one of its three ends."""
    model = language_model(organization_id, limit=work.wishes.max_calls)
    writer = ProgressWriter(organization_id, work, model)
    try:
        result = optimize(organization_id, work, model, writer)
    except Stopping:
        with organization_scope(organization_id):
            run_progress.put_back_run(claim=work.claim, cost=writer.cost)
    except Cancelled:
        with organization_scope(organization_id):
            run_progress.cancel_run(claim=work.claim, cost=writer.cost)
    except (EngineError, ValueError) as error:
        _fail(organization_id, work, writer, str(error))
    except LostClaim:
        raise
    except Exception as error:
        # A fault of ours: the person who waits gets a reason, the log of the worker the traceback.
        _fail(organization_id, work, writer, f"Internal error: {type(error).__name__}.")
        raise
    else:
        with organization_scope(organization_id):
            report = run_progress.finish_run(claim=work.claim, result=result, cost=writer.cost)
            if report is not None:
                run_gate.delay_on_commit(organization_id=organization_id, report_id=report.pk)


def _fail(organization_id: UUID, work: RunWork, writer: ProgressWriter, reason: str) -> None:
    with organization_scope(organization_id):
        run_progress.fail_run(claim=work.claim, reason=reason, cost=writer.cost)


def optimize(organization_id: UUID, work: RunWork, model: OpenAIModel, progress: Progress) -> PromptResult:
    """The engine with everything that it needs from the product. No transaction is open meanwhile."""

    def read_test() -> list[Example]:
        with organization_scope(organization_id):
            return run_progress.read_test_split(claim=work.claim)

    optimizer = PromptOptimizer(
        model=model,
        metric=resolve_metric(work.wishes.metric),
        budget=Budget(work.wishes.max_calls),
        seed=work.seed,
        progress=progress,
        rewrites=work.wishes.rewrites,
    )
    sealed = SealedSplit(work.test_count, read_test)
    return optimizer.optimize(work.prompt, work.examples, work.wishes.goals, sealed=sealed)


class ProgressWriter:
    """Writes heartbeat and progress at most once a second, and a log line whenever a new stage begins."""

    def __init__(self, organization_id: UUID, work: RunWork, model: OpenAIModel) -> None:
        self._organization_id = organization_id
        self._work = work
        self._meter = model.meter
        self._written = 0.0
        self._stage = ""

    @property
    def cost(self) -> Cost:
        """Real calls and tokens of this attempt and those before it; remembered answers cost nothing."""
        spent = self._meter.cost
        return self._work.spent + Cost(self._meter.calls, 0, spent.input_tokens, spent.output_tokens)

    def __call__(self, step: int, total: int, message: str, /) -> None:
        """Called by the engine while it works. Raises what ends the run: Cancelled, TimedOut, LostClaim, Stopping."""
        raise_when_stopping()
        stage = message.partition(":")[0]
        if stage == self._stage and time.monotonic() - self._written < BEAT_SECONDS:
            return
        claim = self._work.claim
        with organization_scope(self._organization_id):
            run_progress.record_progress(claim=claim, step=step, total=total, message=message, cost=self.cost)
            if stage != self._stage:
                run_progress.append_log(claim=claim, message=f"{stage}: {step} of at most {total} calls so far")
        self._written, self._stage = time.monotonic(), stage
