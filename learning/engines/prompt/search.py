"""The search: a first generation races, better ones are bred from what does well, until the calls are used up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from learning.engines.errors import BudgetExceeded
from learning.engines.prompt.breeding import Stock, breed
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.planning import CONFIRMATION_SHARE
from learning.engines.prompt.racing import Race
from learning.engines.prompt.results import Variant
from learning.engines.types import JsonObject

ROUNDS = 8
BREEDING_ROUNDS = frozenset({1, 3, 5})
BREEDING_SHARE = 0.25  # of the calls that are left
FIRST_SHARE = 0.34  # of all calls, for the first look at the first generation
MOST_VARIANTS = 40
FEWEST_VARIANTS = 3

Observe = Callable[[JsonObject], None]


@dataclass(frozen=True, slots=True)
class FirstLook:
    """How many variants a race begins with, and how many examples each of them answers before anything is decided."""

    variants: int
    examples: int


def plan_first_look(answers: int) -> FirstLook:
    """A third of the answers; more calls buy more variants and a longer look at each."""
    examples = min(10, max(4, round(answers**0.5 / 2.5)))
    return FirstLook(min(MOST_VARIANTS, max(FEWEST_VARIANTS, int(FIRST_SHARE * answers) // examples)), examples)


@dataclass(slots=True)
class Search:
    """One search. `calls`: what it may use; `kept`: the answers that the confirmation will need afterwards."""

    race: Race
    evaluator: Evaluator
    stock: Stock | None
    calls: int
    kept: int
    rng: random.Random
    observe: Observe
    trace: list[JsonObject] = field(default_factory=list)
    ended: str = ""

    def run(self, first: Sequence[Variant]) -> None:
        """Race until the calls are used up or nothing is to be gained. A budget that ends ends the search only."""
        look = plan_first_look(self._answers_left)
        try:
            rest = list(first)
            if self.evaluator.is_limited:
                # What an answer costs is known after the first ones only: without examples, and with many.
                probe = rest[:1] + rest[1:][-1:]
                self._look_at(probe, look.examples, "Round 1")
                rest = [one for one in rest if one not in probe]
            self._look_at(rest[: self._fitting(len(rest), look.examples)], look.examples, "Round 1")
            self._rounds(look)
        except BudgetExceeded as error:
            self.ended = str(error)
        self.race.enter(first[:1])  # the current prompt stands even where nothing could be asked

    @property
    def _answers_left(self) -> int:
        return max(0, self.calls - self.evaluator.cost.calls) // self.evaluator.calls_per_answer

    def _rounds(self, look: FirstLook) -> None:
        for number in range(1, ROUNDS + 1):
            if number in BREEDING_ROUNDS and self.stock is not None:
                count = int(BREEDING_SHARE * self._answers_left) // look.examples
                bred = breed(self.race, self.stock, count, self.rng, number + 1) if count else []
                self._look_at(bred, look.examples, f"Round {number + 1}")
            answers = self._answers_left // (ROUNDS + 1 - number)
            answers = self._fitting(max(answers, min(4, self._answers_left)), 1)
            steps = self.race.plan_round(answers, self.race.beliefs())
            if not steps or not self._affordable(sum(steps.values())):
                break
            self.race.advance(steps, f"Round {number + 1}: {len(self.race.field)} variants")
            self._note()

    def _look_at(self, variants: Sequence[Variant], examples: int, stage: str) -> None:
        if variants and self._affordable(len(variants) * examples):
            places = self.race.enter(variants)
            self.race.advance(dict.fromkeys(places, examples), f"{stage}: {len(places)} new variants")
            self._note()

    def _fitting(self, count: int, answers: int) -> int:
        """The most of `count` parts of so many answers each that the budget carries, in steps; at least 1."""
        while count > 1 and count * answers + self._kept_now > self.evaluator.room:
            count = 2 * count // 3
        return count

    def _affordable(self, answers: int) -> bool:
        """Whether the budget (tokens, money and time too) carries so many answers and the confirmation after them."""
        carried = answers + self._kept_now <= self.evaluator.room
        if not carried and self.evaluator.is_limited:
            self.ended = "What is left of the budget is kept for the confirmation."
        return carried and answers <= self._answers_left

    @property
    def _kept_now(self) -> int:
        """The answers kept back, or a part of all that the budget carries where that is less than planned."""
        done = self.evaluator.cost.calls // self.evaluator.calls_per_answer
        return min(self.kept, int(CONFIRMATION_SHARE * (done + self.evaluator.room)))

    def _note(self) -> None:
        """Drop what is surely worse, and tell how things stand."""
        self.race.drop_the_worse()
        leader = self.race.runners[self.race.leader()]
        self.trace.append({"calls": self.evaluator.cost.calls, "best": leader.mean, "variant": leader.variant.name})
        self.observe({"trace": list(self.trace)})
