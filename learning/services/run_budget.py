"""What a run may use, and how much of that its engine plans with.

The engine plans with a little less than the run may ask for. The rest is for calls that are lost: those under way when
a worker was killed, and those that timed out, may have been paid for without an answer. See docs/decisions/0015.
"""

from __future__ import annotations

import math

from django.conf import settings

from learning.engines.errors import EngineError
from learning.engines.types import Budget
from learning.services.prices import named, price_of
from learning.services.run_config import RunConfig, fewest_calls

SPARE_SHARE, MOST_SPARE = 0.05, 64
TIME_TO_END = 0.1  # of the time that a run has, and no more than two answers may take


def run_budget(wishes: RunConfig) -> Budget:
    """The hard one, over all attempts and workers."""
    return Budget(wishes.max_calls, wishes.max_tokens, wishes.max_money, seconds_of(wishes))


def planned_budget(wishes: RunConfig, worked: float = 0.0) -> Budget:
    """What the engine plans with, after `worked` seconds of earlier attempts.

    The calls are the same in every attempt, so that each takes the same decisions.
    """
    left = max(1.0, seconds_of(wishes) - worked)
    return Budget(planned_calls(wishes), wishes.max_tokens, wishes.max_money, left)


def planned_calls(wishes: RunConfig) -> int:
    """The calls that the engine plans with; the others are kept for those that are lost."""
    fewest = min(wishes.max_calls, fewest_calls(wishes.metric, wishes.rewrites))
    return max(fewest, wishes.max_calls - spare_calls(wishes.max_calls))


def seconds_of(wishes: RunConfig) -> int:
    """The seconds that a run has. It ends in order then, with what it has found."""
    return min(wishes.max_seconds or longest_seconds(), longest_seconds())


def longest_seconds() -> int:
    """The most that a run can be given: after TRAINING_JOB_TIMEOUT it fails, so it ends before, calls under way too."""
    timeout: int = settings.TRAINING_JOB_TIMEOUT
    return max(1, timeout - math.ceil(min(TIME_TO_END * timeout, 2 * settings.LLM_TIMEOUT_SECONDS)))


def spare_calls(calls: int) -> int:
    """How many calls of a budget are kept for those that are lost."""
    return min(MOST_SPARE, math.ceil(calls * SPARE_SHARE))


def most_at_once(calls: int, concurrency: int | None = None) -> int:
    """How many calls a run may have under way: no more than it can lose twice, and than was wished for."""
    wished = concurrency or settings.LLM_CONCURRENCY
    return max(1, min(settings.LLM_CONCURRENCY, wished, max(2, spare_calls(calls) // 2)))


def calls_ahead(calls: int, at_once: int, of_worker: int) -> int:
    """How many calls a worker with `of_worker` of the run's `at_once` may write down ahead: they can be lost too."""
    return min(of_worker, max(0, spare_calls(calls) // 2 - at_once) * of_worker // at_once)


def check_price(budget: Budget, model: str) -> None:
    """Raises EngineError when money is limited and nobody knows what the model costs."""
    if budget.money is not None and price_of(model) is None:
        raise EngineError(f"The price of {named(model)} is unknown (LLM_PRICES), so no limit in money can be kept.")
