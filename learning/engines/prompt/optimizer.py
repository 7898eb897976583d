"""The prompt optimizer: analyse, make variants, race them on validation examples, confirm on the test split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.prompt.analysis import Analysis, analyse, recommend
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.goals import ACCURACY, check_goals
from learning.engines.prompt.racing import in_race_order, plan_race, run_race
from learning.engines.prompt.results import Confirmation, PromptResult, Standing
from learning.engines.prompt.rewriting import read_rewrites, rewrite_requests
from learning.engines.prompt.variants import Instruction, make_variants, write_instructions
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.types import Budget, Example, Prompt, SealedSplit, Split

FEWEST_TRAIN = 4
FEWEST_VALIDATION = 6
FEWEST_TEST = 10
# Current prompt, winner, and the best plain instruction are each asked about every test example.
ASKED_PER_TEST_EXAMPLE = 3
CONFIRMATION_SHARE = 0.4
CALLS_PER_VALIDATION_EXAMPLE = 7
FEWEST_CALLS = 80


@dataclass(frozen=True, slots=True)
class Plan:
    """How a budget is divided. Calls kept back for the confirmation cannot be used up by the race."""

    test_examples: int
    race_calls: int
    validation_examples: int


def plan_calls(calls: int, validation: int, test: int, rewrites: int = 0) -> Plan:
    """Divide a budget. Raises ValueError saying what is missing when no honest run is possible."""
    if calls < FEWEST_CALLS + rewrites:
        raise ValueError(f"The budget must be at least {FEWEST_CALLS + rewrites} calls, not {calls}.")
    for name, have, fewest in (("validation", validation, FEWEST_VALIDATION), ("test", test, FEWEST_TEST)):
        if have < fewest:
            raise ValueError(f"At least {fewest} {name} examples are needed, there are {have}.")
    tested = min(test, max(FEWEST_TEST, int(calls * CONFIRMATION_SHARE) // ASKED_PER_TEST_EXAMPLE))
    for_race = calls - rewrites - ASKED_PER_TEST_EXAMPLE * tested
    used = min(validation, max(FEWEST_VALIDATION, for_race // CALLS_PER_VALIDATION_EXAMPLE))
    return Plan(tested, for_race, used)


class PromptOptimizer:
    """Looks for a better prompt within a hard call budget; the same seed and answers give the same result.

    `rewriter` may be a stronger model that writes `rewrites` instructions; without it they come from templates.
    """

    def __init__(
        self,
        *,
        model: LanguageModel,
        metric: Metric,
        budget: Budget,
        seed: int = 0,
        progress: Progress | None = None,
        rewrites: int = 0,
        confidence: float = 0.95,
        most_characters: int = 4000,
    ) -> None:
        self._evaluator = Evaluator(model, metric, budget, progress or _silent)
        self._budget = budget
        self._seed = seed
        self._rewrites = rewrites
        self._confidence = confidence
        self._most_characters = most_characters

    def optimize(
        self,
        current_prompt: Prompt,
        learning_examples: Sequence[Example],
        optimization_goals: Sequence[str] = (ACCURACY,),
        *,
        sealed: SealedSplit | None = None,
    ) -> PromptResult:
        """Search, then confirm. The test split is `sealed`, or the test examples among the learning examples.

        Raises ValueError for a budget or examples that are too few, and whatever `progress` raises (Cancelled).
        """
        goals = check_goals(optimization_goals)
        train, validation, sealed = divide(learning_examples, sealed)
        plan = plan_calls(self._budget.calls, len(validation), sealed.size, self._rewrites)
        rng = random.Random(self._seed)
        analysis = analyse(train)
        standings = self._race(current_prompt, train, validation, analysis, goals, plan, rng)
        winner = standings[0].variant
        confirmed = None
        if winner.prompt.digest != current_prompt.digest:
            # A plain random part: with the labels taking turns, rare ones would weigh more than they do among users.
            tests = rng.sample(sealed.read_test(), plan.test_examples)
            confirmed = self._confirm(current_prompt, standings, tests)
        return PromptResult(
            best_variant=winner,
            variants=tuple(standings),
            confirmation=confirmed,
            issues=analysis.issues,
            recommendations=recommend(analysis),
            cost=self._evaluator.cost,
        )

    def _race(
        self,
        current: Prompt,
        train: Sequence[Example],
        validation: Sequence[Example],
        analysis: Analysis,
        goals: Sequence[str],
        plan: Plan,
        rng: random.Random,
    ) -> list[Standing]:
        form = analysis.form
        instructions = self._instructions(current, train, analysis)
        rungs = plan_race(plan.race_calls, plan.validation_examples)
        variants = make_variants(
            current,
            instructions,
            train,
            form,
            count=rungs[0].variants,
            most_characters=self._most_characters,
            rng=rng,
        )
        examples = in_race_order(validation, form, rng)
        return run_race(variants, examples, rungs, self._evaluator, form, goals)

    def _instructions(self, current: Prompt, train: Sequence[Example], analysis: Analysis) -> list[Instruction]:
        requests = rewrite_requests(current, train, analysis, count=self._rewrites, seed=self._seed)
        answers = self._evaluator.ask(requests, "Writing instructions") if requests else []
        rewrites = read_rewrites([answer.text for answer in answers], current)
        return [*rewrites, *write_instructions(current, analysis.form)]

    def _confirm(self, current: Prompt, standings: Sequence[Standing], tests: Sequence[Example]) -> Confirmation:
        """Ask the three prompts about the test examples. Nothing is chosen after this."""
        from learning.engines.prompt.confirm import compare, test_score  # numpy and scipy: see docs/decisions/0011

        winner, plain = standings[0].variant.prompt, best_plain(standings).variant.prompt
        ask = self._evaluator.score
        before = ask(current, tests, "Confirming: current prompt")
        after = ask(winner, tests, "Confirming: best variant")
        alone = ask(plain, tests, "Confirming: instruction without examples")
        return Confirmation(
            before=test_score(current, before, self._confidence),
            after=test_score(winner, after, self._confidence),
            instruction_only=test_score(plain, alone, self._confidence),
            improvement=compare(before, after, confidence=self._confidence, seed=self._seed),
        )


def best_plain(standings: Sequence[Standing]) -> Standing:
    """The best standing without examples. They are ordered by how far they came, so it is the first one."""
    return next(one for one in standings if one.variant.instruction_only)


def divide(examples: Sequence[Example], sealed: SealedSplit | None) -> tuple[list[Example], list[Example], SealedSplit]:
    """Train, validation, and the closed door to the test split. Raises ValueError when something is out of place."""
    of = {split: [one for one in examples if one.split is split] for split in Split}
    tests = of[Split.TEST]
    if sealed is not None and tests:
        raise ValueError("The test examples are sealed and cannot be among the learning examples too.")
    if len(of[Split.TRAIN]) < FEWEST_TRAIN:
        raise ValueError(f"At least {FEWEST_TRAIN} train examples are needed, there are {len(of[Split.TRAIN])}.")
    return of[Split.TRAIN], of[Split.VALIDATION], sealed or SealedSplit(len(tests), lambda: tests)


def _silent(step: int, total: int, message: str, /) -> None:
    """Nobody listens."""
