"""The instructions that enter a run: from the form of the answers, and from a language model that can write them.

A model that does not even keep to the form of the reply is too weak to write instructions. Then the calls go to the
search over examples instead, for what cannot be told can still be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.errors import BudgetExceeded
from learning.engines.prompt.analysis import Analysis
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.rewriting import follows_form, read_rewrites, rewrite_requests
from learning.engines.prompt.variants import Instruction, write_instructions
from learning.engines.types import Example, Prompt

PROBE = 2  # rewrites that show whether the model can write at all


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written. `model`: who writes, empty for the model of the prompt.

    `judged_on`: validation examples that reflection may use; `reflective_calls`: the most that it may cost.
    """

    strategies: frozenset[str]
    rewrites: int
    seed: int
    model: str
    judged_on: Sequence[Example]
    reflective_calls: int


@dataclass(frozen=True, slots=True)
class Written:
    """The instructions, the model's own ones first, and what a person should know about how they came about."""

    instructions: tuple[Instruction, ...]
    notes: tuple[str, ...] = ()


def write(evaluator: Evaluator, current: Prompt, train: Sequence[Example], analysis: Analysis, order: Order) -> Written:
    """Write the instructions of a run. Calls the model for rewrites and reflection only.

    A budget in tokens, money or time without room for them ends the writing alone: answers are shorter.
    """
    stated = write_instructions(current, analysis.form)
    replies, ended = _ask_for_rewrites(evaluator, current, train, analysis, order)
    notes = (f"Not all wanted instructions were written: {ended}",) if ended else ()
    if replies and not any(follows_form(reply) for reply in replies):
        return Written(tuple(stated), (*notes, too_weak(len(replies))))
    evolved = [] if ended else _reflect(evaluator, current, train, order)
    return Written((*read_rewrites(replies, current), *evolved, *stated), notes)


def _ask_for_rewrites(
    evaluator: Evaluator, current: Prompt, train: Sequence[Example], analysis: Analysis, order: Order
) -> tuple[list[str], str]:
    """The replies, and why there are no more; after PROBE useless ones no more are asked for."""
    wanted = order.rewrites if "rewritten" in order.strategies else 0
    requests = rewrite_requests(current, train, analysis, count=wanted, seed=order.seed, model=order.model)
    replies: list[str] = []
    for batch in (requests[:PROBE], requests[PROBE:]):
        if batch and (not replies or any(map(follows_form, replies))):
            try:
                replies += [answer.text for answer in evaluator.ask(batch, "Writing instructions")]
            except BudgetExceeded as error:
                return replies, str(error)
    return replies, ""


def _reflect(evaluator: Evaluator, current: Prompt, train: Sequence[Example], order: Order) -> list[Instruction]:
    if "reflective" not in order.strategies:
        return []
    from learning.engines.prompt.reflecting import evolve

    return evolve(
        evaluator,
        current,
        train,
        order.judged_on,
        calls=order.reflective_calls,
        seed=order.seed,
        model=order.model,
    )


def too_weak(replies: int) -> str:
    """The note about a model that cannot write instructions."""
    return (
        f"The model was asked {replies} times to write an instruction and did not keep to the form of the reply, so it "
        "wrote none: the calls went to the search over examples. A stronger model could write instructions."
    )
