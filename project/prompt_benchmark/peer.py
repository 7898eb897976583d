"""gepa as its documentation has it used: reflecting with the same model, and its engine with our proposals.

Taken care of, so that it is compared at its best: it gets real feedback for every answer; a question that it asks again
is answered from memory and costs nothing (its own cache of 0.1.4 mixes up train and validation examples); a call that
would go over the budget is refused, and what it had found by then counts. No run_dir: it would be a pickle.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import gepa
from gepa.core.adapter import EvaluationBatch

from learning.engines.errors import BudgetExceeded
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.variants import make_variants, write_instructions
from learning.engines.types import CompletionRequest, Example, Message, Prompt
from project.prompt_benchmark.asking import Meter
from project.prompt_benchmark.sides import Found, Problem

Candidate = dict[str, str]
ReadCandidate = Callable[[Candidate], Prompt]
INSTRUCTION, WHOLE = "instruction", "prompt"
MOST_CHARACTERS = 4000
PROPOSALS = 40
REFLECTION = {"temperature": 0.8, "max_tokens": 600}  # as in our own use of gepa


class Adapter:
    """What gepa asks of a system. An answer's feedback is what a person's correction says."""

    propose_new_texts = None

    def __init__(self, problem: Problem, meter: Meter, read: ReadCandidate) -> None:
        self._problem = problem
        self._meter = meter
        self._read = read
        self._outputs: dict[tuple[str, str], str] = {}

    def evaluate(
        self, batch: list[Example], candidate: Candidate, capture_traces: bool = False
    ) -> EvaluationBatch[dict[str, str], str]:
        prompt = self._read(candidate)
        new = self._ask(prompt, batch)
        outputs = [self._outputs[prompt.digest, one.key] for one in batch]
        scores = [self._problem.metric(output, one.expected) for output, one in zip(outputs, batch, strict=True)]
        seen = [_record(*each) for each in zip(batch, outputs, scores, strict=True)] if capture_traces else None
        return EvaluationBatch(outputs=outputs, scores=scores, trajectories=seen, num_metric_calls=new)

    def make_reflective_dataset(
        self, candidate: Candidate, eval_batch: EvaluationBatch[dict[str, str], str], components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {name: list(eval_batch.trajectories or ()) for name in components_to_update}

    def _ask(self, prompt: Prompt, batch: Sequence[Example]) -> int:
        """Ask what is not known yet; returns how much that was."""
        unknown = {one.key: one for one in batch if (prompt.digest, one.key) not in self._outputs}
        completions = self._meter.complete_many([prompt.request(one.input) for one in unknown.values()])
        for key, completion in zip(unknown, completions, strict=True):
            self._outputs[prompt.digest, key] = completion.text
        return len(unknown)


def reflecting(problem: Problem, meter: Meter) -> Found:
    """gepa alone: the model that answers also writes the new instructions."""

    def read(candidate: Candidate) -> Prompt:
        return replace(problem.current, system_prompt=candidate[INSTRUCTION])

    numbers = itertools.count(problem.seed * 1000)

    def reflect(asked: str | list[dict[str, Any]]) -> str:
        text = asked if isinstance(asked, str) else str(asked[-1]["content"])
        chat = (Message(role="user", content=text),)
        parameters = {**REFLECTION, "seed": next(numbers)}
        return meter.complete_many([CompletionRequest(chat, problem.current.model, parameters)])[0].text

    seed_candidate = {INSTRUCTION: problem.current.system_prompt}
    return _run(problem, meter, read, seed_candidate, reflection_lm=reflect)


def with_our_proposals(problem: Problem, meter: Meter) -> Found:
    """gepa's engine, and for new prompts the instructions and example sets that our optimizer makes."""

    def read(candidate: Candidate) -> Prompt:
        return Prompt.from_content(json.loads(candidate[WHOLE]))

    proposals = _proposals(problem)

    def propose(candidate: Candidate, dataset: Mapping[str, Any], components: list[str]) -> Candidate:
        return {WHOLE: _write(next(proposals))}

    return _run(problem, meter, read, {WHOLE: _write(problem.current)}, custom_candidate_proposer=propose)


def _run(problem: Problem, meter: Meter, read: ReadCandidate, seed_candidate: Candidate, **how: Any) -> Found:
    """gepa's defaults for everything that is not about the budget."""
    material = problem.material
    try:
        result: gepa.GEPAResult[str, int] = gepa.optimize(
            seed_candidate=seed_candidate,
            trainset=[*material.train, *material.spare],
            valset=list(material.validation),
            adapter=cast("Any", Adapter(problem, meter, read)),  # its protocol leaves its own types open
            max_metric_calls=meter.limit,
            stop_callbacks=lambda state: meter.spent or meter.failure is not None or state.i > meter.limit,
            logger=_Silent(),
            raise_on_exception=False,  # the budget may end in the middle of an iteration; the result is kept
            seed=problem.seed,
            **how,
        )
    except BudgetExceeded:
        return Found(problem.current, "too few calls to score the current prompt on the validation examples")
    if meter.failure:
        raise meter.failure
    scores = result.val_aggregate_scores
    said = f"accepted {len(scores) - 1} prompts; validation {scores[0]:.2f} -> {scores[result.best_idx]:.2f}"
    return Found(read(result.candidates[result.best_idx]), said)


def _proposals(problem: Problem) -> Iterator[Prompt]:
    """Our variants without end, mixed, so that instructions alone do not take the whole budget."""
    train = [*problem.material.train, *problem.material.spare]
    form = describe_form([one.expected for one in train])
    instructions = write_instructions(problem.current, form)
    rng = random.Random(problem.seed)
    while True:
        variants = make_variants(
            problem.current, instructions, train, form, count=PROPOSALS, most_characters=MOST_CHARACTERS, rng=rng
        )
        yield from (one.prompt for one in rng.sample(variants[1:], len(variants) - 1))


def _write(prompt: Prompt) -> str:
    return json.dumps(prompt.content(), ensure_ascii=False)


def _record(example: Example, output: str, score: float) -> dict[str, str]:
    """One case for the reflection, under the names that gepa's own adapter uses."""
    wrong = f"Wrong. The answer must be exactly this, with nothing before or after it: {example.expected}"
    feedback = "Correct." if score >= 1 else wrong
    return {"Inputs": example.input, "Generated Outputs": output, "Feedback": feedback}


class _Silent:
    """gepa prints its progress unless it is given somebody else to tell."""

    def log(self, message: str) -> None: ...
