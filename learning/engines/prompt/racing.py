"""Successive halving: every variant answers a few validation examples, the better third answers more, and so on.

All variants answer the same examples in the same order, so that they are compared pair by pair.
Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.goals import second_score
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.results import Standing, Variant
from learning.engines.types import Example

FIRST_RUNG = 6
FINALISTS = 3
KEEP_ONE_IN = 3
FEWEST_VARIANTS = 2
MOST_VARIANTS = 40


@dataclass(frozen=True, slots=True)
class Rung:
    """So many variants have answered so many examples (counted from the first one) when the rung ends."""

    variants: int
    examples: int


def plan_rungs(variants: int, examples: int) -> tuple[Rung, ...]:
    """The rungs of a race between so many variants; the finalists answer every example."""
    rungs = [Rung(variants, min(FIRST_RUNG, examples))]
    while rungs[-1].examples < examples:
        last = rungs[-1]
        kept = min(last.variants, max(FINALISTS, -(-last.variants // KEEP_ONE_IN)))
        more = examples if kept <= FINALISTS else min(examples, 2 * last.examples)
        rungs.append(Rung(kept, more))
    return tuple(rungs)


def race_calls(rungs: Sequence[Rung]) -> int:
    """Calls that a race needs when nothing is known beforehand."""
    calls, answered = 0, 0
    for rung in rungs:
        calls += rung.variants * (rung.examples - answered)
        answered = rung.examples
    return calls


def plan_race(calls: int, examples: int) -> tuple[Rung, ...]:
    """The race with the most variants that fits into the calls; fewer examples when even two do not fit.

    Raises ValueError when not even two variants on the first rung fit.
    """
    for used in range(examples, min(FIRST_RUNG, examples) - 1, -1):
        for variants in range(MOST_VARIANTS, FEWEST_VARIANTS - 1, -1):
            rungs = plan_rungs(variants, used)
            if race_calls(rungs) <= calls:
                return rungs
    raise ValueError(f"{calls} calls are too few to compare {FEWEST_VARIANTS} variants.")


def in_race_order(examples: Sequence[Example], form: OutputForm, rng: random.Random) -> list[Example]:
    """Shuffled, with the labels taking turns, so that the first few examples are a fair sample."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in rng.sample(list(examples), len(examples)):
        groups[example.expected.strip() if form.labels else ""].append(example)
    turns = [(position, label, one) for label, group in groups.items() for position, one in enumerate(group)]
    return [one for _, _, one in sorted(turns, key=lambda turn: (turn[0], turn[1]))]


def run_race(
    variants: Sequence[Variant],
    examples: Sequence[Example],
    rungs: Sequence[Rung],
    evaluator: Evaluator,
    form: OutputForm,
    goals: Sequence[str],
) -> list[Standing]:
    """Run the rungs. Returns every variant's standing, the winner first, those dropped early last."""
    field = list(variants)[: rungs[0].variants]
    dropped: list[Standing] = []
    ranked: list[Standing] = []
    for number, rung in enumerate(rungs, start=1):
        seen = examples[: rung.examples]
        message = f"Round {number} of {len(rungs)}"
        ranked = _rank([_stand(one, seen, evaluator, form, goals, message) for one in field])
        stay = rungs[number].variants if number < len(rungs) else len(ranked)
        dropped = ranked[stay:] + dropped
        field = [one.variant for one in ranked[:stay]]
    return ranked + dropped


def _stand(
    variant: Variant,
    examples: Sequence[Example],
    evaluator: Evaluator,
    form: OutputForm,
    goals: Sequence[str],
    message: str,
) -> Standing:
    answers = evaluator.score(variant.prompt, examples, f"{message}: {variant.name}")
    second = [second_score(goals, one.output, one.example.expected, form) for one in answers]
    n = len(answers)
    return Standing(variant, n, sum(one.score for one in answers) / n, sum(second) / n)


def _rank(standings: Sequence[Standing]) -> list[Standing]:
    """Best first: by accuracy, then the second goals, then the shorter prompt. The sort keeps the order of equals."""
    return sorted(standings, key=lambda one: (-(one.mean or 0.0), -(one.second_mean or 0.0), _length(one.variant)))


def _length(variant: Variant) -> int:
    shown = sum(len(one.input) + len(one.output) for one in variant.prompt.examples)
    return len(variant.prompt.system_prompt) + shown
