"""Working through training runs. The row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
import time
from functools import partial
from uuid import UUID

from celery import shared_task

from learning.attempts import Ends, attempt
from learning.engines.agreement import ScoredAnswer
from learning.engines.behavior.episodes import Episode
from learning.engines.behavior.learner import BehaviorLearner
from learning.engines.behavior.strategies import IMITATION
from learning.engines.metrics import METRIC_KINDS
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.protocols import LanguageModel
from learning.engines.types import Example, JsonObject, SealedSplit
from learning.evaluation_tasks import HELP_EXPIRES, help_run
from learning.gate_tasks import run_gate
from learning.services import evaluation_chunks, run_progress, training
from learning.services.behavior_runs import BehaviorResult
from learning.services.dataset_versions import count_earlier_readings
from learning.services.expert_scores import scored_answers
from learning.services.heartbeats import beating
from learning.services.run_budget import check_price, most_at_once, planned_budget, run_budget
from learning.services.run_ledger import LostClaim
from learning.services.run_metric import make_metric
from learning.services.run_model import RunModel
from learning.services.run_progress import BehaviorWork, RunWork
from learning.services.run_usage import models_asked
from learning.services.served_models import require_served
from organizations.scope import organization_scope
from organizations.stopping import raise_when_stopping
from organizations.tasks import each_organization, tenant_task
from organizations.work_queues import LONG

log = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0  # beside the engine, which may compute for long between two calls


@tenant_task(name="learning.run_training", queue=LONG)
def run_training(*, organization_id: UUID, run_id: str) -> None:
    """Claim a run, let the engine work outside of any transaction, record the outcome."""
    with organization_scope(organization_id):
        claim = run_progress.claim_run(run_id=UUID(run_id))
    if claim is None:
        return
    try:
        with organization_scope(organization_id):
            work = run_progress.read_work(claim=claim)
        if work is not None:
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
        evaluation_chunks.forget_ended()
        in_need = evaluation_chunks.runs_in_need()
    for run_id in due:
        run_training.delay(**_naming(organization_id, run_id))
    for run_id in in_need:
        help_run.apply_async(kwargs=_naming(organization_id, run_id), expires=HELP_EXPIRES)


def _work_through(organization_id: UUID, work: RunWork) -> None:
    """One attempt, to one of its ends."""
    claim = work.claim

    def finish(result: PromptResult | BehaviorResult) -> None:
        report = run_progress.finish_run(claim=claim, result=result)
        if report is not None:
            run_gate.delay_on_commit(organization_id=organization_id, report_id=report.pk)

    ends = Ends(
        finish=finish,
        fail=lambda reason: run_progress.fail_run(claim=claim, reason=reason),
        put_back=partial(run_progress.put_back_run, claim=claim),
        cancel=partial(run_progress.cancel_run, claim=claim),
        lost=LostClaim,
    )
    attempt(organization_id, partial(_learn, organization_id, work), ends)


def _learn(organization_id: UUID, work: RunWork) -> PromptResult | BehaviorResult:
    writer = ProgressWriter(organization_id, work)
    with beating(organization_id, partial(run_progress.beat_run, claim=work.claim), HEARTBEAT_SECONDS):
        if work.behavior is not None:
            return learn_behavior(organization_id, work, work.behavior, writer)
        return optimize(organization_id, work, run_model(organization_id, work), writer)


def run_model(organization_id: UUID, work: RunWork) -> RunModel:
    """The language model of a run, shared with whoever helps. Raises EngineError when it cannot be asked."""
    budget = run_budget(work.wishes)
    models = models_asked(work.prompt.content(), work.wishes)
    require_served(models)
    for model in models:
        check_price(budget, model)

    def wake(helpers: int) -> None:
        try:
            for _ in range(helpers):
                help_run.apply_async(kwargs=_naming(organization_id, work.claim.run_id), expires=HELP_EXPIRES)
        except Exception as error:  # the broker is away: the run's own worker goes on alone
            log.warning("Nobody could be woken to help run %s: %s", work.claim.run_id, error)

    at_once = most_at_once(budget.calls, work.wishes.concurrency)
    return RunModel(organization_id, work.claim.run_id, work.claim.attempt, budget, at_once, wake)


def optimize(organization_id: UUID, work: RunWork, model: LanguageModel, progress: ProgressWriter) -> PromptResult:
    """The engine with everything that it needs from the product. No transaction is open meanwhile."""

    def read_test() -> list[Example]:
        with organization_scope(organization_id):
            return run_progress.read_test_split(claim=work.claim)

    def count_earlier() -> int:
        with organization_scope(organization_id):
            return count_earlier_readings(version_id=work.version_id, run_id=work.claim.run_id)

    def scored() -> list[ScoredAnswer]:
        with organization_scope(organization_id):
            return scored_answers(version_id=work.version_id)

    optimizer = PromptOptimizer(
        model=model,
        metric=make_metric(work.wishes.metric, work.wishes.metric_options),
        budget=planned_budget(work.wishes, work.worked),
        seed=work.seed,
        progress=progress,
        rewrites=work.wishes.rewrites,
        strategies=work.wishes.strategies,
        observe=progress.observe,
        calibration=scored() if METRIC_KINDS[work.wishes.metric].needs_expert_scores else (),
    )
    sealed = SealedSplit(work.test_count, read_test, count_earlier=count_earlier)
    return optimizer.optimize(work.prompt, work.examples, work.wishes.goals, sealed=sealed)


def learn_behavior(
    organization_id: UUID, work: RunWork, given: BehaviorWork, progress: ProgressWriter
) -> BehaviorResult:
    """A policy update. The test split is opened when everything is chosen; no transaction is open meanwhile."""

    def read_test() -> list[Episode]:
        with organization_scope(organization_id):
            return run_progress.read_test_episodes(claim=work.claim)

    def count_earlier() -> int:
        with organization_scope(organization_id):
            return count_earlier_readings(version_id=work.version_id, run_id=work.claim.run_id)

    learner = BehaviorLearner(
        model=run_model(organization_id, work) if work.wishes.word_rules else None,
        seed=work.seed,
        progress=progress,
        episodes=list(given.episodes),
        corrections=list(given.corrections),
    )
    update = learner.generate_policy_update(
        held_out=read_test, strategy=work.wishes.strategy or IMITATION, count_earlier=count_earlier
    )
    return BehaviorResult(update, given.base)


class ProgressWriter:
    """Writes heartbeat and progress at most once a second, and a log line whenever a new stage begins."""

    def __init__(self, organization_id: UUID, work: RunWork) -> None:
        self._organization_id = organization_id
        self._work = work
        self._written = 0.0
        self._stage = ""
        self._figures: JsonObject | None = None

    def observe(self, figures: JsonObject) -> None:
        """Called by the engine after each round: what is shown of a run while it works."""
        self._figures = figures

    def __call__(self, step: int, total: int, message: str, /) -> None:
        """Called by the engine while it works. Raises what ends the run: Cancelled, TimedOut, LostClaim, Stopping."""
        raise_when_stopping()
        stage = message.partition(":")[0]
        if stage == self._stage and time.monotonic() - self._written < BEAT_SECONDS:
            return
        claim, figures = self._work.claim, self._figures
        with organization_scope(self._organization_id):
            calls = run_progress.record_progress(claim=claim, step=step, total=total, message=message, metrics=figures)
            if stage != self._stage:  # calls as the page counts them: remembered answers are none
                run_progress.append_log(claim=claim, message=f"{stage}: {calls:,} calls so far")
        self._written, self._stage, self._figures = time.monotonic(), stage, None


def _naming(organization_id: UUID, run_id: UUID) -> dict[str, str]:
    return {"organization_id": str(organization_id), "run_id": str(run_id)}
