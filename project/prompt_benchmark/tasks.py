"""The tasks: from one that a model of 135M parameters learns by a few examples to one that it hardly can."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.core.management.base import CommandError

from learning.engines.types import Example, Prompt, Split
from project.dataset_benchmark.real_texts import SKIPPED
from project.prompt_benchmark import sources
from project.prompt_benchmark.sources import Pair

TRAIN, VALIDATION, SPARE = 40, 30, 60


@dataclass(frozen=True)
class Task:
    """A question that an agent answers. `instruction`: what a busy developer wrote as its prompt.

    `files`: where the pairs come from, below ALS_DATA. `most_tokens`: what its answers may take.
    """

    name: str
    instruction: str
    most_tokens: int
    files: tuple[str, ...]
    read: Callable[[Path], list[Pair]]

    @property
    def current(self) -> Prompt:
        parameters = {"temperature": 0, "max_tokens": self.most_tokens, "seed": 1}
        return Prompt(self.instruction, parameters=parameters)


@dataclass(frozen=True)
class Material:
    """The examples that every side gets. `train` and `validation` are used as such by all.

    `spare` is everybody's too: ours seals it for its confirmation, gepa, which confirms nothing, learns from it.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    spare: tuple[Example, ...]


def _induction(name: str, instruction: str, most_tokens: int) -> Task:
    files = (f"instruction-induction/raw/induce/{name}.json",)
    return Task(name, instruction, most_tokens, files, partial(sources.instruction_induction, name))


def _hard(name: str, instruction: str, most_tokens: int) -> Task:
    return Task(name, instruction, most_tokens, (f"bbh/bbh/{name}.json",), partial(sources.big_bench_hard, name))


# Chosen before anything was measured: two labels, five labels, a rewriting, a choice within the text, logic, counting.
TASKS = {
    task.name: task
    for task in (
        Task(
            "reviews",
            "What is the sentiment of the text?",
            16,
            tuple(f"vader-reviews/{name}ReviewSnippets_GroundTruth.txt" for name in ("movie", "amazon")),
            sources.reviews,
        ),
        Task(
            "triage",
            "Which team should answer this customer: transfer, topup, cash, exchange or identity?",
            16,
            ("banking77/train.csv",),
            sources.triage,
        ),
        _induction("active_to_passive", "Rewrite the sentence in the passive voice.", 32),
        _induction("larger_animal", "Which of the two animals is larger?", 16),
        _hard("boolean_expressions", "Evaluate the expression. Is it True or False?", 16),
        _hard("object_counting", "Answer the question with a number.", 16),
    )
}


def folder(tasks: Sequence[Task]) -> Path:
    """ALS_DATA. Raises CommandError, which says what is missing."""
    named, files = os.environ.get("ALS_DATA"), [file for task in tasks for file in task.files]
    if not named:
        raise CommandError(f"Set ALS_DATA to a folder with the real texts: {', '.join(files)}.", returncode=SKIPPED)
    path = Path(named)
    if missing := [file for file in files if not (path / file).exists()]:
        raise CommandError(f"ALS_DATA ({path}) lacks {', '.join(missing)}.", returncode=SKIPPED)
    return path


def draw(pairs: Sequence[Pair], tests: int, seed: int) -> tuple[Material, tuple[Example, ...]]:
    """What the sides get, and so many tests that none of them ever sees; disjoint random parts.

    A question that is there twice is used once. Raises ValueError when there are too few.
    """
    once = list({question.casefold(): (question, answer) for question, answer in pairs}.values())
    if TRAIN + VALIDATION + SPARE + tests > len(once):
        raise ValueError(f"{TRAIN + VALIDATION + SPARE + tests} questions are wanted, there are {len(once)}.")
    mixed = iter(random.Random(seed).sample(once, len(once)))

    def part(name: str, split: Split, size: int) -> tuple[Example, ...]:
        return tuple(Example(f"{name}-{n}", *next(mixed), split) for n in range(size))

    material = Material(
        train=part("train", Split.TRAIN, TRAIN),
        validation=part("validation", Split.VALIDATION, VALIDATION),
        spare=part("spare", Split.TRAIN, SPARE),
    )
    return material, part("test", Split.TEST, tests)
