"""Asking the language model on behalf of a job, outside of any transaction, while the job shows that it lives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.types import Completion, CompletionRequest
from learning.services.jobs import Work, keep_alive
from organizations.errors import Refused
from organizations.scope import organization_scope

SIGN_OF_LIFE = 10.0  # seconds between heartbeats


def ask(
    organization_id: UUID, work: Work, requests: Sequence[CompletionRequest], most: int
) -> tuple[list[Completion], int]:
    """The answers in the order of the requests, and how many calls it took: one whose answer got lost is asked again.

    `most`: calls that may be made.

    Raises Refused when the model cannot be reached, and JobCancelled or LostJob as soon as that is known.
    """
    from learning.services.language_model import language_model  # the HTTP client: see docs/decisions/0011

    if not requests:
        return [], 0
    beaten = time.monotonic()

    def tick() -> None:
        nonlocal beaten
        if time.monotonic() - beaten >= SIGN_OF_LIFE:
            beaten = time.monotonic()
            with organization_scope(organization_id):
                keep_alive(work=work)

    try:
        model = language_model(organization_id, limit=most)
        return model.complete_many(requests, tick=tick), model.meter.calls
    except (ModelUnavailable, BudgetExceeded) as error:
        raise Refused(str(error)) from error
