"""What texts are like, in numbers, computed once: stored with the version of the functions, completed when asked."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from learning.engines.insight.text_features import (
    FEATURE_WORDS,
    VERSION,
    question_features,
    similarity,
    text_features,
)
from learning.models import AgentFeedback, Execution, LearningExample, TextNumbers

NAMES = tuple(FEATURE_WORDS)
QUESTION = ("words", "questions")
# The order in which they are stored; a change of it is a new version.
ANSWER_NUMBERS = (*(f"answer.{name}" for name in NAMES), *(f"input.{name}" for name in QUESTION))
CORRECTION_NUMBERS = (*NAMES, "similarity_to_correction")


@dataclass(frozen=True, slots=True)
class Numbers:
    """By the names of ANSWER_NUMBERS or CORRECTION_NUMBERS; nan where a text has none. case: what was asked, as a hash
    of it, empty where nothing was.
    """

    values: dict[str, float]
    case: str = ""


# Texts of sources by their ids; locked until the end of the transaction, or not.
Read = Callable[[Sequence[UUID], bool], Iterator[tuple[UUID, str, str]]]


def execution_numbers(ids: Sequence[UUID], *, keep: bool = True) -> dict[UUID, Numbers]:
    """Of questions and answers. `keep`: store what was not known yet."""
    return _known(ids, ANSWER_NUMBERS, _executions, answer_numbers, keep)


def example_numbers(ids: Sequence[UUID], *, keep: bool = True) -> dict[UUID, Numbers]:
    """The same of examples: what was asked, and what the agent said."""
    return _known(ids, ANSWER_NUMBERS, _examples, answer_numbers, keep)


def correction_numbers(feedback_ids: Sequence[UUID], *, keep: bool = True) -> dict[UUID, Numbers]:
    """Of the corrections in pieces of feedback, and how alike each is to the answer that it corrects."""
    return _known(feedback_ids, CORRECTION_NUMBERS, _corrections, _of_correction, keep)


def answer_numbers(asked: str, said: str) -> Numbers:
    """Of one question and answer, now."""
    values = {f"answer.{name}": value for name, value in text_features(said).items()}
    values |= {f"input.{name}": value for name, value in question_features(asked).items()}
    return Numbers(values, case_of(asked))


def case_of(asked: str) -> str:
    """The same for questions that differ in case and spacing alone; empty without a question."""
    normal = " ".join(asked.lower().split())[:500]
    return hashlib.blake2b(normal.encode(), digest_size=16).hexdigest() if normal else ""


def _of_correction(answer: str, correction: str) -> Numbers:
    return Numbers(text_features(correction) | {"similarity_to_correction": similarity(answer, correction)})


def _known(
    ids: Iterable[UUID], names: Sequence[str], read: Read, compute: Callable[[str, str], Numbers], keep: bool
) -> dict[UUID, Numbers]:
    wanted = sorted(set(ids))
    rows = TextNumbers.objects.filter(source_id__in=wanted, version=VERSION)
    found = {
        pk: Numbers(dict(zip(names, values, strict=True)), case)
        for pk, values, case in rows.values_list("source_id", "numbers", "case")
        if len(values) == len(names)
    }
    missing = [one for one in wanted if one not in found]
    computed = {pk: compute(*texts) for pk, *texts in read(missing, keep)} if missing else {}
    if keep and computed:
        _store(computed, names)
    return found | computed


def _store(computed: dict[UUID, Numbers], names: Sequence[str]) -> None:
    TextNumbers.objects.bulk_create(
        [
            TextNumbers(
                source_id=pk, version=VERSION, numbers=[one.values.get(name, math.nan) for name in names], case=one.case
            )
            for pk, one in computed.items()
        ],
        update_conflicts=True,
        unique_fields=["organization", "source_id"],
        update_fields=["version", "numbers", "case"],
    )  # fmt: skip


def _executions(ids: Sequence[UUID], lock: bool) -> Iterator[tuple[UUID, str, str]]:
    yield from _locked(Execution.objects, ids, lock).values_list("pk", "input", "output")


def _examples(ids: Sequence[UUID], lock: bool) -> Iterator[tuple[UUID, str, str]]:
    yield from _locked(LearningExample.objects, ids, lock).values_list("pk", "input_text", "original_output")


def _corrections(ids: Sequence[UUID], lock: bool) -> Iterator[tuple[UUID, str, str]]:
    rows = list(_locked(AgentFeedback.objects, ids, lock).values_list("pk", "execution_id", "correction_text"))
    answers = dict(Execution.objects.filter(pk__in=[row[1] for row in rows if row[1]]).values_list("pk", "output"))
    yield from ((pk, answers[answer], correction) for pk, answer, correction in rows if answer in answers)


def _locked(rows: Any, ids: Sequence[UUID], lock: bool) -> Any:
    """Locked while their numbers are stored: a text that changes meanwhile would leave the old ones behind."""
    chosen = rows.filter(pk__in=ids).order_by("pk")
    return chosen.select_for_update(no_key=True) if lock else chosen
