"""What a run's calls came to, and how many more its budget carries. Pure but for the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from learning.engines.holds import most_input, most_output
from learning.engines.types import Budget, Completion, CompletionRequest, Cost

MARGIN = 1.15  # answers of the winner may be longer than those so far


@dataclass(slots=True)
class Spending:
    """`cost`: what was really paid, calls from the cache counted among the calls.

    The rest is what the completions came to, remembered ones too, for as dear as they were when they were asked for: a
    run that is repeated after a crash then plans the same. `counted` and `priced`: how many told tokens and money.
    `largest`: the most tokens that one of the calls could have come to. A call is only sent while so much is left, so
    a limit in tokens or money cannot be spent to its end. A call whose tokens nobody told is taken for its most.
    """

    budget: Budget
    clock: Callable[[], float] = time.monotonic
    cost: Cost = field(default_factory=Cost)
    tokens: int = 0
    counted: int = 0
    money: Decimal = Decimal(0)
    priced: int = 0
    largest: int = 0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def add(self, requests: Sequence[CompletionRequest], completions: Sequence[Completion]) -> None:
        self.cost += total_cost(completions)
        for request, one in zip(requests, completions, strict=True):
            most = most_input(request) + most_output(request)
            untold = not (one.cached or one.error or one.input_tokens or one.output_tokens)
            tokens = most if untold else one.input_tokens + one.output_tokens
            self.largest = max(self.largest, most)
            self.tokens += tokens
            self.counted += not one.cached or tokens > 0
            self.money += one.money or 0
            self.priced += one.money is not None

    @property
    def tokens_per_call(self) -> float:
        """The mean so far; 0 where nothing is known."""
        return self.tokens / self.counted if self.counted else 0.0

    @property
    def affordable_calls(self) -> float:
        """How many more calls tokens, money and time carry, if they cost what they cost so far; inf without a limit."""
        dear = self.largest / self.tokens_per_call if self.tokens_per_call else 1.0  # over a call as they are
        used = (
            (self.budget.tokens, float(self.tokens), self.counted, dear),
            (self.budget.money, float(self.money), self.priced, dear),
            (self.budget.seconds, self.clock() - self.started, self.cost.calls - self.cost.cached_calls, 1.0),
        )
        rooms = [
            max(0.0, (float(limit) - amount) * calls / amount - (last - 1)) / MARGIN
            for limit, amount, calls, last in used
            if limit is not None and amount > 0 and calls
        ]
        return min(rooms, default=math.inf)


def total_cost(completions: Iterable[Completion]) -> Cost:
    """The sum of what single completions cost."""
    cost = Cost()
    for one in completions:
        cost += Cost.of(one)
    return cost
