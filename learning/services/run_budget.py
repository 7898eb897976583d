"""What a run may use, and how much of that its engine plans with.

The engine plans with a little less than the run may ask for. The rest is for calls that are lost: those under way when
a worker was killed, and those that timed out, may have been paid for without an answer. See docs/decisions/0015.
"""

from __future__ import annotations

import math
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from learning.engines.errors import EngineError
from learning.engines.prompt.optimizer import FEWEST_CALLS
from learning.engines.types import Budget
from learning.services.language_model import price_of
from learning.services.run_config import RunConfig

SPARE_SHARE, MOST_SPARE = 0.05, 64


def run_budget(wishes: RunConfig) -> Budget:
    """The hard one, over all attempts and workers."""
    return Budget(wishes.max_calls, wishes.max_tokens, wishes.max_money, wishes.max_seconds)


def planned_budget(wishes: RunConfig, started_at: datetime) -> Budget:
    """What the engine plans with. The calls are the same in every attempt, so that each takes the same decisions."""
    fewest = min(wishes.max_calls, FEWEST_CALLS + wishes.rewrites)
    calls = max(fewest, wishes.max_calls - spare_calls(wishes.max_calls))
    left = None
    if wishes.max_seconds is not None:
        left = max(1.0, wishes.max_seconds - (timezone.now() - started_at).total_seconds())
    return Budget(calls, wishes.max_tokens, wishes.max_money, left)


def spare_calls(calls: int) -> int:
    """How many calls of a budget are kept for those that are lost."""
    return min(MOST_SPARE, math.ceil(calls * SPARE_SHARE))


def most_at_once(calls: int, concurrency: int | None = None) -> int:
    """How many calls a run may have under way: no more than it can lose twice, and than was wished for."""
    wished = concurrency or settings.LLM_CONCURRENCY
    return max(1, min(settings.LLM_CONCURRENCY, wished, max(2, spare_calls(calls) // 2)))


def check_price(budget: Budget, model: str) -> None:
    """Raises EngineError when money is limited and nobody knows what the model costs."""
    if budget.money is not None and price_of(model) is None:
        name = model or settings.DEFAULT_MODEL
        raise EngineError(f"The price of {name} is unknown (LLM_PRICES), so no limit in money can be kept.")
