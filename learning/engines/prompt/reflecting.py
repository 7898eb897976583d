"""Reflective evolution of the instruction by `gepa`, inside our budget: its engine, our evaluation, the users' words.

What is taken care of: every question goes through the run's own evaluator, so that answers are counted, remembered and
free for the race that follows; a call that would go over the allowance ends the evolution, and what it had proposed by
then is kept; nothing is written to disk (no run_dir, hence no pickle), nothing is printed. What people wrote is fenced.
The evolution only proposes. Whether a proposal is better is for the race and the test split to say, since gepa accepts
on a sum over few examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from learning.engines.errors import BudgetExceeded
from learning.engines.fencing import AS_DATA, FENCE, fenced
from learning.engines.prompt.evaluation import Answer, Evaluator
from learning.engines.prompt.results import VariantKind
from learning.engines.prompt.rewriting import LONGEST_SHOWN, read_instruction
from learning.engines.prompt.variants import Instruction
from learning.engines.types import CompletionRequest, Example, Message, Prompt

PART = "instruction"
MINIBATCH = 4
MOST_JUDGED_ON = 8  # validation examples on which gepa compares its candidates
MOST_KEPT = 4
PROBE = 2  # reflections that show whether the model can write at all
REFLECTION = {"temperature": 0.8, "max_tokens": 600}
TEMPLATE = f"""You improve the instruction of an assistant. {AS_DATA}
The present instruction:
{FENCE}
<curr_param>
{FENCE}
What the assistant was asked with it, what it answered, and what people said about the answers:
{FENCE}
<side_info>
{FENCE}
Write a better instruction, so that the assistant gives the answers that were wanted. Say what the task is, what a right
answer looks like, and what people criticised. Keep it general: do not list the cases.
Reply with the new instruction inside one pair of ``` marks and nothing else."""

Candidate = dict[str, str]


class _End(BaseException):
    """Carries an error out of gepa, which catches every Exception and goes on."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Seen:
    """gepa's record of an evaluation, under the names that it reads."""

    outputs: list[str]
    scores: list[float]
    trajectories: list[Answer] | None
    objective_scores: list[dict[str, float]] | None = None
    num_metric_calls: int | None = None


@dataclass(slots=True)
class Evolution:
    """What gepa asks of a system (its adapter), and the instructions that it accepted, in their order.

    `limit`: the calls of the whole run, after which the evolution ends. `judged_on`: the keys of the examples on which
    it compares what it accepted, `judged`: the scores there. What was not accepted was only asked about other ones.
    """

    evaluator: Evaluator
    current: Prompt
    limit: int
    seed: int
    model: str = ""
    judged_on: frozenset[str] = frozenset()
    judged: dict[str, dict[str, float]] = field(default_factory=dict)
    propose_new_texts: None = None
    reflections: int = 0
    usable: int = 0

    def evaluate(self, batch: list[Example], candidate: Candidate, capture_traces: bool = False) -> Seen:
        """The answers of a candidate. Ends the evolution when they might not fit into its allowance."""
        self._check(len(batch) * self.evaluator.calls_per_answer)
        prompt = replace(self.current, system_prompt=candidate[PART], examples=())
        try:
            answers = self.evaluator.score(prompt, batch, "Reflecting")
        except Exception as error:
            raise _End(error) from error
        judged = {one.example.key: one.score for one in answers if one.example.key in self.judged_on}
        if judged:
            self.judged.setdefault(candidate[PART], {}).update(judged)
        return Seen(
            [one.output for one in answers], [one.score for one in answers], answers if capture_traces else None
        )

    def make_reflective_dataset(
        self, candidate: Candidate, eval_batch: Seen, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """What the model that reflects gets to read: cases with people's own words as feedback."""
        return {name: [_case(one) for one in eval_batch.trajectories or ()] for name in components_to_update}

    def reflect(self, asked: str | list[dict[str, Any]]) -> str:
        """One reflection: a call like any other."""
        self._check(1)
        text = asked if isinstance(asked, str) else str(asked[-1]["content"])
        self.reflections += 1
        parameters = {**REFLECTION, "seed": self.seed + self.reflections}
        chat = (Message(role="user", content=text),)
        request = CompletionRequest(chat, model=self.model or self.current.model, parameters=parameters)
        try:
            reply = self.evaluator.ask([request], "Reflecting")[0].text
        except Exception as error:
            raise _End(error) from error
        instruction = read_instruction(reply).replace(FENCE, "")
        self.usable += bool(instruction)
        # A refusal must not become an instruction. The first one in its place is no better than itself: gepa drops it.
        return f"```\n{instruction or self.current.system_prompt}\n```"

    def ended(self, state: Any) -> bool:
        """Asked by gepa between its steps. A model that keeps to no form is not asked for ever."""
        if self.reflections >= PROBE and not self.usable:
            return True
        return self.evaluator.cost.calls >= self.limit or int(state.i) > self.limit

    def best(self) -> list[str]:
        """The accepted ones with the best means on the examples that all of them answered, without the first one."""
        usable = [
            (text, sum(scores.values()))
            for text, scores in self.judged.items()
            if text.strip() and text != self.current.system_prompt and scores.keys() == self.judged_on
        ]
        usable.sort(key=lambda item: -item[1])
        return [text for text, _ in usable[:MOST_KEPT]]

    def _check(self, calls: int) -> None:
        if self.evaluator.cost.calls + calls > self.limit:
            raise _End(BudgetExceeded("The share of the budget for reflection is used up."))


def evolve(
    evaluator: Evaluator,
    current: Prompt,
    train: Sequence[Example],
    judged_on: Sequence[Example],
    *,
    calls: int,
    seed: int,
    model: str = "",
) -> list[Instruction]:
    """Instructions evolved with at most so many calls; none when they do not suffice for a single step.

    Raises what a run raises besides (Cancelled, ModelUnavailable); a budget that ends here ends the evolution only.
    """
    import gepa  # takes a third of a second to import

    judged_on = judged_on[:MOST_JUDGED_ON]
    keys = frozenset(one.key for one in judged_on)
    evolution = Evolution(evaluator, current, evaluator.cost.calls + calls, seed, model, keys)
    try:
        system: Any = evolution  # gepa's protocols name their parameters, which functions cannot do
        gepa.optimize(
            seed_candidate={PART: current.system_prompt},
            trainset=list(train),
            valset=list(judged_on),
            adapter=system,
            reflection_lm=system.reflect,
            reflection_prompt_template=TEMPLATE,
            reflection_minibatch_size=MINIBATCH,
            max_metric_calls=calls,
            stop_callbacks=system.ended,
            logger=_Silent(),
            seed=seed,
            raise_on_exception=True,
        )
    except _End as end:
        if not isinstance(end.error, BudgetExceeded):
            raise end.error from None
    return [
        Instruction(f"reflection {number}", VariantKind.REFLECTIVE, text)
        for number, text in enumerate(evolution.best(), start=1)
    ]


def _case(answer: Answer) -> dict[str, str]:
    """One case. The field Feedback is where gepa looks for words."""
    example = answer.example
    said = f"Wanted: {example.expected}" if answer.score < 1 else "Right."
    if example.issues:
        said += f"\nPeople called an earlier answer: {', '.join(example.issues)}"
    if example.comment:
        said += f"\nPeople said about an earlier answer: {example.comment}"
    if answer.problem:
        said += f"\nNo answer was read: {answer.problem}"
    return {
        "Inputs": fenced(example.input, LONGEST_SHOWN),
        "Generated Outputs": fenced(answer.output, LONGEST_SHOWN),
        "Feedback": fenced(said, 2 * LONGEST_SHOWN),
    }


class _Silent:
    """gepa prints its progress unless it is given somebody else to tell."""

    def log(self, message: str) -> None: ...
