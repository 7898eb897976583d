"""Helping with the evaluations of a training run. The chunk's row is the message; see docs/decisions/0003."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from learning.engines.errors import EngineError
from learning.models import RunStatus, TrainingRun
from learning.services import evaluation_chunks
from learning.services.run_budget import most_at_once, run_budget
from learning.services.run_config import read_run_config
from learning.services.run_ledger import LostClaim
from learning.services.run_model import ChunkWork, chunk_work
from organizations.scope import organization_scope
from organizations.stopping import Stopping, raise_when_stopping
from organizations.tasks import tenant_task
from organizations.work_queues import LONG

log = logging.getLogger(__name__)
HELP_EXPIRES = 10.0  # seconds: by then the sweep has looked who needs help
SLICE = 3.0  # seconds until it is another run's turn
LINGER = 0.3  # seconds until a run that has nothing to do just now is left alone
LOOK = 0.04


@tenant_task(name="learning.help_run", queue=LONG)
def help_run(*, organization_id: UUID, run_id: str) -> None:
    """Work on the chunks of a run for a while, beside its own worker; then stand in the queue again."""
    work = _prepare(organization_id, UUID(run_id))
    if work is None:
        return
    try:
        if _work_a_slice(work):
            help_run.apply_async(
                kwargs={"organization_id": str(organization_id), "run_id": run_id}, expires=HELP_EXPIRES
            )
    except (Stopping, LostClaim):
        return
    except EngineError as error:
        log.info("Helping run %s ended: %s", run_id, error)  # the run's own worker says so to people


def _prepare(organization_id: UUID, run_id: UUID) -> ChunkWork | None:
    with organization_scope(organization_id):
        run = TrainingRun.objects.filter(pk=run_id, status=RunStatus.RUNNING).only("config").first()
        if run is None or not evaluation_chunks.is_claimable(run_id=run_id):
            return None
        wishes = read_run_config(run.config)
    budget = run_budget(wishes)
    return chunk_work(organization_id, run_id, budget, most_at_once(budget.calls, wishes.concurrency))


def _work_a_slice(work: ChunkWork) -> bool:
    """Whether the slice was over before the work was."""
    end = time.monotonic() + SLICE
    idle_since = time.monotonic()
    while time.monotonic() < end:
        if work.work(raise_when_stopping, lambda: time.monotonic() >= end):
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since >= LINGER:
            return False
        time.sleep(LOOK)
    return True
