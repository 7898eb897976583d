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
from learning.engines.prompt.reserve import Reserve
from learning.engines.prompt.results import Variant
from learning.engines.types import JsonObject

ROUNDS = 8
BREEDING_ROUNDS = frozenset({1, 3, 5})
BREEDING_SHARE = 0.25  # of the calls that are left
FIRST_SHARE = 0.34  # of all calls, for the first look at the first generation
MOST_VARIANTS = 40
FEWEST_VARIANTS = 3
KEPT_FOR_PROOF = "What is left of the budget is kept for the confirmation."
NOTHING_COMPARED = "What is left of the budget does not carry a comparison of two prompts."

Observe = Callable[[JsonObject], None]


@dataclass(frozen=True, slots=True)
class FirstLook:
    """How many variants a race begins with, and how many examples each of them answers before anything is decided."""

    variants: int
    examples: int


def plan_first_look(answers: int) -> FirstLook:
    """A third of the answers; more calls buy more variants and a longer look at each, two questions at least.

    A short look at many finds more than a longer one at few: their like tell about each (docs/decisions/0016).
    """
    examples = min(10, max(2, round(answers**0.5 / 3.5)))
    return FirstLook(min(MOST_VARIANTS, max(FEWEST_VARIANTS, int(FIRST_SHARE * answers) // examples)), examples)


@dataclass(slots=True)
class Search:
    """One search. `calls`: what it may use; `kept`: the answers that the confirmation is planned to need afterwards.

    `reserve`: reckons from the race what the confirmation needs after all. What it needs less, the search may use.
    """

    race: Race
    evaluator: Evaluator
    stock: Stock | None
    calls: int
    kept: int
    rng: random.Random
    observe: Observe
    reserve: Reserve | None = None
    trace: list[JsonObject] = field(default_factory=list)
    ended: str = ""
    _needed: int = field(init=False)

    def __post_init__(self) -> None:
        self._needed = self.kept

    def run(self, first: Sequence[Variant]) -> None:
        """Race until the calls are used up or nothing is to be gained. A budget that ends ends the search only."""
        look = plan_first_look(self._answers_left)
        self.race.enter(first[:1])  # the current prompt stands even where nothing can be asked
        # What is bred with a quarter of the calls that are left, three times, comes to about as many once more.
        self.race.planned = len(first) + (look.variants if self.stock else 0)
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
        if self.ended == KEPT_FOR_PROOF and not any(one.answers for one in self.race.runners):
            self.ended = NOTHING_COMPARED

    @property
    def _answers_left(self) -> int:
        freed = (self.kept - self._needed) * self.evaluator.calls_per_answer
        return max(0, self.calls + freed - self.evaluator.cost.calls) // self.evaluator.calls_per_answer

    def _rounds(self, look: FirstLook) -> None:
        idle = False  # whether those that race had nothing more to show in the last round
        for number in range(1, ROUNDS + 1):
            bred = (idle or number in BREEDING_ROUNDS) and self._breed(look, number + 1)
            answers = self._answers_left // (ROUNDS + 1 - number)
            answers = self._fitting(max(answers, min(4, self._answers_left)), 1)
            steps = self.race.plan_round(answers, self.race.beliefs())
            if (idle and not bred and not steps) or not self._affordable(sum(steps.values())):
                break
            idle = not steps
            if steps:
                self.race.advance(steps, f"Round {number + 1}: {len(self.race.field)} variants")
                self._note()

    def _breed(self, look: FirstLook, generation: int) -> bool:
        """Look at a further generation; whether there was one."""
        count = int(BREEDING_SHARE * self._answers_left) // look.examples
        if self.stock is None or not count or self.race.is_won:
            return False
        bred = breed(self.race, self.stock, count, self.rng, generation)
        return self._look_at(bred, look.examples, f"Round {generation}")

    def _look_at(self, variants: Sequence[Variant], examples: int, stage: str) -> bool:
        """Let new variants answer the first questions; whether there were any, and the budget carries that."""
        if not variants or not self._affordable(len(variants) * examples):
            return False
        places = self.race.enter(variants)
        self.race.advance(dict.fromkeys(places, examples), f"{stage}: {len(places)} new variants")
        self._note()
        return True

    def _fitting(self, count: int, answers: int) -> int:
        """The most of `count` parts of so many answers each that the budget carries, in steps; at least 1."""
        while count > 1 and count * answers + self._kept_now > self.evaluator.room:
            count = 2 * count // 3
        return count

    def _affordable(self, answers: int) -> bool:
        """Whether the budget (tokens, money and time too) carries so many answers and the confirmation after them."""
        if answers > self._answers_left:
            return False
        carried = answers + self._kept_now <= self.evaluator.room
        if not carried:
            self.ended = KEPT_FOR_PROOF
        return carried

    @property
    def _kept_now(self) -> int:
        """The answers kept back, or a part of all that the budget carries where that is less than planned."""
        done = self.evaluator.cost.calls // self.evaluator.calls_per_answer
        return min(self._needed, int(CONFIRMATION_SHARE * (done + self.evaluator.room)))

    def _note(self) -> None:
        """Drop what is surely worse, reckon anew what the confirmation needs, and tell how things stand."""
        self.race.drop_the_worse()
        self._needed = self.reserve.answers(self.race) if self.reserve else self.kept
        leader = self.race.runners[self.race.leader()]
        self.trace.append({"calls": self.evaluator.cost.calls, "best": leader.mean, "variant": leader.variant.name})
        self.observe({"trace": list(self.trace)})
