"""The prompt optimizer: analyse, make variants, race them on validation examples, confirm on the test split."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from learning.engines.agreement import MOST_ITEMS, Agreement, ScoredAnswer, calibrate
from learning.engines.callables import as_model
from learning.engines.judge import Judge
from learning.engines.levels import confidence_of_reading
from learning.engines.prompt.analysis import Analysis, analyse, recommend
from learning.engines.prompt.breeding import Stock
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.goals import ACCURACY, check_goals
from learning.engines.prompt.nearest_sets import promise
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.planning import FEWEST_TEST, FEWEST_TRAIN, Plan, plan_calls
from learning.engines.prompt.racing import Race, in_race_order
from learning.engines.prompt.reserve import Reserve
from learning.engines.prompt.results import PromptResult, Standing
from learning.engines.prompt.search import Search, plan_first_look
from learning.engines.prompt.strategies import SEARCH_OVER_EXAMPLES, STRATEGIES, choose_strategies
from learning.engines.prompt.variants import known_texts, make_variants, texts_for_examples
from learning.engines.prompt.writing import Order, Written, write
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.types import Budget, Example, JsonObject, Prompt, SealedSplit, Split

if TYPE_CHECKING:
    from learning.engines.prompt.proof import Proof

NOISY_REPEATS = 3
DEFAULT_REWRITES = 4  # where rewriting is asked for without a number
REFLECTIVE_SHARE = 0.3  # of the calls of the race
CREDIT = 0.5  # of what a vote of the nearest examples gains, for prompts that show them: nobody asked the model yet
TOO_LITTLE_TO_CONFIRM = (
    f"What is left of the budget does not carry {FEWEST_TEST} test examples, so the test split was not opened."
)


class PromptOptimizer:
    """Looks for a better prompt within a hard call budget; the same seed and answers give the same result.

    `model`: a LanguageModel, or a function of a list of messages (of one text when its parameter is annotated `str`).
    `metric`: a Metric, or a Judge, which `calibration` (answers that experts scored) must show to agree with them.
    `rewrites`: how many instructions the model writes itself. `strategies`: names out of STRATEGIES; None takes those
    that fit. `repeats`: how often an example is asked where answers or scores vary; None: 3 if they can, else once.
    `observe` hears how the search goes, after each round. `rewriter`: the name of the model that writes instructions.
    """

    def __init__(
        self,
        *,
        model: LanguageModel | Callable[[Any], str],
        metric: Metric | Judge,
        budget: Budget,
        seed: int = 0,
        progress: Progress | None = None,
        rewrites: int = 0,
        confidence: float = 0.95,
        most_characters: int = 4000,
        strategies: Sequence[str] | None = None,
        observe: Callable[[JsonObject], None] | None = None,
        calibration: Sequence[ScoredAnswer] = (),
        repeats: int | None = None,
        rewriter: str = "",
    ) -> None:
        self._evaluator = Evaluator(as_model(model), metric, budget, progress or _silent)
        self._metric = metric
        self._budget = budget
        self._seed = seed
        self._rewrites = rewrites or (DEFAULT_REWRITES if "rewritten" in (strategies or ()) else 0)
        self._confidence = confidence
        self._most_characters = most_characters
        self._strategies = strategies
        self._observe = observe or _unheard
        self._calibration = calibration
        self._repeats = repeats
        self._rewriter = rewriter

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
        plan = self._plan(len(validation), sealed.size)
        strategies = choose_strategies(self._strategies, race_calls=plan.race_calls, rewrites=self._rewrites)
        rng = random.Random(self._seed)
        analysis = analyse(train, current_prompt)
        agreement = self._check_judge()
        race = self._new_race(current_prompt, validation, analysis, goals, rng, CREDIT * promise(train))
        written = write(self._evaluator, current_prompt, train, analysis, self._order(strategies, race, plan))
        search = self._search(race, current_prompt, train, written, analysis.form, strategies, plan, rng)
        standings = put_winner_first(race, current_prompt)
        winner = standings[0].variant
        confirmation, ended = None, search.ended
        if winner.prompt.digest != current_prompt.digest:
            proof = self._confirm(current_prompt, standings, sealed, plan, analysis, optimization_goals, rng)
            confirmation, ended = proof.confirmation, proof.ended or ended
        return PromptResult(
            best_variant=winner,
            variants=tuple(standings),
            confirmation=confirmation,
            issues=analysis.issues,
            recommendations=(*recommend(analysis), *written.notes, *self._notes()),
            cost=self._evaluator.cost,
            analysis=analysis,
            trace=tuple(search.trace),
            agreement=agreement,
            strategies=tuple(name for name in STRATEGIES if name in strategies),
            ended=ended,
            opened=sealed.opened,
            earlier_readings=sealed.earlier,
        )

    def _plan(self, validation: int, test: int) -> Plan:
        calibration = min(MOST_ITEMS, len(self._calibration)) if isinstance(self._metric, Judge) else 0
        return plan_calls(
            self._budget.calls,
            validation,
            test,
            self._rewrites,
            calls_per_answer=self._evaluator.calls_per_answer,
            calibration=calibration,
        )

    def _check_judge(self) -> Agreement | None:
        """Raises JudgeRefused: a judge that does not agree with the experts judges nothing."""
        if not isinstance(self._metric, Judge):
            return None
        ask = self._evaluator.ask
        judge = self._metric
        return calibrate(judge, self._calibration, lambda calls: ask(calls, "Comparing with experts"), seed=self._seed)

    def _new_race(
        self,
        current: Prompt,
        validation: Sequence[Example],
        analysis: Analysis,
        goals: Sequence[str],
        rng: random.Random,
        head_start: float,
    ) -> Race:
        varies = bool(current.parameters.get("temperature")) or getattr(self._metric, "noisy", False)
        repeats = self._repeats or (NOISY_REPEATS if varies else 1)
        examples = in_race_order(validation, analysis.form, rng)
        return Race(self._evaluator, examples, form=analysis.form, goals=goals, repeats=repeats, head_start=head_start)

    def _order(self, strategies: frozenset[str], race: Race, plan: Plan) -> Order:
        return Order(
            strategies=strategies,
            rewrites=self._rewrites,
            seed=self._seed,
            model=self._rewriter,
            judged_on=[example for example, repeat in race.asked if not repeat],
            reflective_calls=int(REFLECTIVE_SHARE * plan.race_calls),
        )

    def _search(
        self,
        race: Race,
        current: Prompt,
        train: Sequence[Example],
        written: Written,
        form: OutputForm,
        strategies: frozenset[str],
        plan: Plan,
        rng: random.Random,
    ) -> Search:
        limit = self._budget.calls - plan.kept_answers * plan.calls_per_answer
        first = make_variants(
            current,
            written.instructions,
            train,
            form,
            count=plan_first_look((limit - self._evaluator.cost.calls) // plan.calls_per_answer).variants,
            most_characters=self._most_characters,
            rng=rng,
            strategies=strategies,
        )
        stock = None
        if SEARCH_OVER_EXAMPLES & strategies:
            texts = texts_for_examples(current, written.instructions, strategies)
            known = known_texts(current, written.instructions)
            stock = Stock.of(current, texts, train, bool(form.labels), self._most_characters, known)
        reserve = Reserve(
            asked=plan.asked_per_test_example,
            fewest=plan.least_test_examples,
            planned=plan.test_examples,
            most=plan.most_test_examples,
            confidence=self._confidence,
        )
        search = Search(race, self._evaluator, stock, limit, plan.kept_answers, rng, self._observe, reserve)
        search.run(first)
        return search

    def _confirm(
        self,
        current: Prompt,
        standings: Sequence[Standing],
        sealed: SealedSplit,
        plan: Plan,
        analysis: Analysis,
        goals: Sequence[str],
        rng: random.Random,
    ) -> Proof:
        """Ask the prompts about test examples. Nothing is chosen after this."""
        from learning.engines.prompt.proof import Claim, Proof, prove  # numpy and scipy: see docs/decisions/0011

        plain = best_plain(standings)
        winner = standings[0].variant.prompt
        apart = plain is not None and plain.digest not in (current.digest, winner.digest)
        if apart and plan.asked_per_test_example < 3:
            apart, plain = False, None  # no calls for what decides nothing
        asked = [current, winner, *([plain] if apart and plain else [])]
        # What the search left over makes the confirmation sharper. How many are asked is fixed here, by what answers of
        # these very prompts cost so far: it must not depend on who is right.
        count = self._evaluator.room_for(asked)
        if count < FEWEST_TEST and self._evaluator.is_limited:
            return Proof(
                None, TOO_LITTLE_TO_CONFIRM
            )  # and the seal stays whole: a reading would make later ones stricter
        count = max(FEWEST_TEST, count)
        # A plain random part: with the labels taking turns, rare ones would weigh more than they do among users.
        tests = sealed.read_test()
        return prove(
            self._evaluator,
            Claim(current, winner, plain),
            rng.sample(tests, min(count, len(tests))),
            analysis=analysis,
            goals=goals,
            confidence=self._confidence,
            claim_confidence=confidence_of_reading(sealed.earlier, self._confidence),
            seed=self._seed,
        )

    def _notes(self) -> list[str]:
        """What went wrong with single answers, for the person who reads the result."""
        problems = self._evaluator.problems
        scored = [f"{len(problems)} answers count as wrong because {problems[0]}."] if problems else []
        return self._evaluator.silence + scored


def put_winner_first(race: Race, current: Prompt) -> list[Standing]:
    """The standings, the winner first. What is no better than the current prompt, on what both answered, loses."""
    standings = race.standings()
    place = {one.variant.prompt.digest: place for place, one in enumerate(race.runners)}
    own = place[current.digest]
    better = (one for one in standings if one.n and race.gain_over(place[one.variant.prompt.digest], own) > 0)
    eligible = next((one for one in better if not one.dropped), None)
    leads = standings[0].variant.prompt.digest == current.digest
    winner = eligible if eligible and not leads else next(one for one in standings if one.variant.prompt == current)
    return [winner, *(one for one in standings if one is not winner)]


def best_plain(standings: Sequence[Standing]) -> Prompt | None:
    """The prompt without examples that was right most often, where one raced; those that answered little cannot be it.

    By its own answers: beliefs would lend it a part of what its instruction reached together with examples.
    """
    raced = [one for one in standings if one.variant.instruction_only and one.n]
    most = max((one.n for one in raced), default=0)
    far = [one for one in raced if 2 * one.n >= most]
    return max(far, key=lambda one: one.mean or 0.0).variant.prompt if far else None


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


def _unheard(figures: JsonObject) -> None:
    """Nobody watches."""
