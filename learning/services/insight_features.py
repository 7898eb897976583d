"""What executions were like, as the columns that the human-feedback learner takes. Texts are read only where their
numbers are not known yet, and for the words of the newest answers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from learning.models import Decision, Execution, LearningExample
from learning.services.insight_opinions import Opinion
from learning.services.text_numbers import (
    Numbers,
    answer_numbers,
    correction_numbers,
    example_numbers,
    execution_numbers,
)

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats, Opinions

BATCH = 1_000
MOST_TEXTS = 20_000  # whose words are looked at
MOST_PROPERTIES = 200
MOST_METADATA = 20  # numbers of the application's own
FEWEST_PEOPLE = 5  # whom a property must be about: fewer could be told apart by it
LONGEST_VALUE = 40  # characters; a longer value is a text and no choice
LARGEST_VALUE = 1e30  # a number beyond is no measurement, and its powers would leave what a float can hold
PLAIN = ("duration_ms", "input_tokens", "output_tokens", "cost", "confidence")


@dataclass(slots=True)
class Described:
    """One execution or example. properties: what is true of it, in words; user: whose it was; case: what it asked, as
    a hash of it. answer: only where its words are wanted.
    """

    features: dict[str, float] = field(default_factory=dict)
    properties: set[str] = field(default_factory=set)
    answer: str = ""
    user: str = ""
    case: str = ""


@dataclass(frozen=True)
class Known:
    """What opinions are about, by id, and how alike corrections are to what they correct, by their feedback."""

    sources: dict[UUID, Described] = field(default_factory=dict)
    likeness: dict[UUID, float] = field(default_factory=dict)

    def of(self, opinion: Opinion) -> Described | None:
        """None when it is not there any more."""
        for key in (opinion.execution_id, opinion.example_id):
            if key is not None and key in self.sources:
                return self.sources[key]
        return None

    def features_of(self, opinion: Opinion) -> dict[str, float]:
        """With how alike the person's own correction is, where they gave one. Raises KeyError for what is gone."""
        described = self.of(opinion)
        if described is None:
            raise KeyError(opinion.execution_id or opinion.example_id)
        if opinion.correction_id not in self.likeness:
            return described.features
        return described.features | {"similarity_to_correction": self.likeness[opinion.correction_id]}


@dataclass(frozen=True)
class Columns:
    """The opinions as columns, with what the learner wants beside them."""

    opinions: Opinions
    quality: Floats
    score: Floats
    properties: dict[str, Flags]
    who: list[tuple[str, Any]]  # by code of the reviewer


def describe(opinions: Sequence[Opinion], *, keep: bool = True) -> Known:
    """Every execution that somebody judged, and every example whose execution is not there. `keep`: store numbers."""
    known = Known()
    for work in describing(opinions, known, keep=keep):
        work()
    return known


def describing(opinions: Sequence[Opinion], known: Known, *, keep: bool = True) -> Iterator[Callable[[], None]]:
    """The same in steps, each for a transaction of its own, which add to `known`."""
    worded = {key for one in opinions[:MOST_TEXTS] for key in (one.execution_id, one.example_id)}
    for ids in _batches({one.execution_id for one in opinions if one.execution_id}):
        yield partial(_add_executions, known, ids, worded, keep)
    left = {one.example_id for one in opinions if one.example_id and one.execution_id not in known.sources}
    for ids in _batches(left):
        yield partial(_add_examples, known, ids, worded, keep)
    for ids in _batches({one.correction_id for one in opinions if one.correction_id}):
        yield partial(_add_likeness, known, ids, keep)


def describe_answer(*, asked: str, said: str, known: Mapping[str, float]) -> dict[str, float]:
    """The features of an answer that is not an execution yet; `known`: numbers that the caller knows."""
    return answer_numbers(asked, said).values | dict(known)


def _add_executions(known: Known, ids: Sequence[UUID], worded: Container[UUID | None], keep: bool) -> None:
    numbers, found = execution_numbers(ids, keep=keep), {}
    rows = Execution.objects.filter(pk__in=ids)
    names = ("pk", "user", "metadata", "context__conversation", "status", *PLAIN)
    for pk, user, metadata, turns, status, *plain in rows.values_list(*names):
        one = found[pk] = _described(numbers[pk], user)
        one.features |= {name: float(value) for name, value in zip(PLAIN, plain, strict=True) if value is not None}
        one.properties.add(f"status is {status}")
        _add_metadata(one, metadata)
        one.features["turns"] = float(len(turns)) if isinstance(turns, list) else 0.0
    _add_decisions(found)
    for pk, answer in rows.filter(pk__in=[one for one in ids if one in worded]).values_list("pk", "output"):
        found[pk].answer = answer
    known.sources.update(found)


def _add_examples(known: Known, ids: Sequence[UUID], worded: Container[UUID | None], keep: bool) -> None:
    numbers = example_numbers(ids, keep=keep)
    for pk, user, said in LearningExample.objects.filter(pk__in=ids).values_list("pk", "user", "original_output"):
        known.sources[pk] = _described(numbers[pk], user)
        known.sources[pk].answer = said if pk in worded else ""


def _add_likeness(known: Known, ids: Sequence[UUID], keep: bool) -> None:
    for pk, numbers in correction_numbers(ids, keep=keep).items():
        known.likeness[pk] = numbers.values["similarity_to_correction"]


def _described(numbers: Numbers, user: str) -> Described:
    return Described(dict(numbers.values), set(), "", user, numbers.case)


def _add_metadata(one: Described, metadata: Any) -> None:
    for name, value in list(metadata.items())[:MOST_METADATA] if isinstance(metadata, dict) else ():
        if isinstance(value, bool) or (isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE):
            one.properties.add(f"{name[:LONGEST_VALUE]} is {value}")
        elif isinstance(value, int | float) and abs(value) <= LARGEST_VALUE:
            one.features[f"metadata.{name[:LONGEST_VALUE]}"] = float(value)


def _add_decisions(found: dict[UUID, Described]) -> None:
    sums: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    names = ("execution_id", "decision_point", "output", "reasoning", "confidence", "alternatives")
    for pk, point, output, reasoning, confidence, others in Decision.objects.filter(
        execution__in=list(found)
    ).values_list(*names):
        total = sums[pk]
        total["decisions"] += 1
        total["reasoning.words"] += len(reasoning.split())
        total["alternatives"] += len(others) if isinstance(others, list) else 0
        if confidence is not None:
            total["sure"] += confidence
            total["known"] += 1
        found[pk].properties |= set(_choices(point, output))
    for pk, one in found.items():
        total = sums[pk]
        count = total["decisions"]
        one.features["decisions"] = float(count)
        if count:
            one.features["reasoning.words"] = total["reasoning.words"] / count
            one.features["alternatives"] = total["alternatives"] / count
        if total["known"]:
            one.features["decision_confidence"] = total["sure"] / total["known"]


def _choices(point: str, output: Any) -> Iterator[str]:
    """What was chosen, where it is short enough to be a choice."""
    values = output.values() if isinstance(output, dict) else [output]
    for value in values:
        if isinstance(value, str | int | bool) and 0 < len(str(value)) <= LONGEST_VALUE:
            yield f"{point[:LONGEST_VALUE]} is {value}"


def columns_of(opinions: Sequence[Opinion], known: Known) -> Columns:
    """Rows whose execution is known. A missing value is nan."""
    from learning.engines.insight.types import Opinions, codes_of

    rows = [(one, described) for one in opinions if (described := known.of(one))]
    features = [known.features_of(one) for one, _ in rows]
    who = list(dict.fromkeys(one.who for one, _ in rows))
    texts = [described.answer for _, described in rows]
    table = Opinions(
        {name: column(features, name) for name in sorted(set().union(*features))} if features else {},
        {name: column([one.aspects for one, _ in rows], name) for name in _aspects(rows)},
        codes_of([one.who for one, _ in rows]),
        codes_of([described.case or id(described) for _, described in rows]),
        texts,
        codes_of([described.user or described.case or id(described) for _, described in rows]),
    )
    quality, score = ([{"": getattr(one, name)} for one, _ in rows] for name in ("quality", "score"))
    return Columns(table, column(quality, ""), column(score, ""), _properties(rows), who)


def _aspects(rows: Sequence[tuple[Opinion, Described]]) -> list[str]:
    return sorted({name for one, _ in rows for name in one.aspects})


def column(rows: Sequence[Mapping[str, float | None]], name: str) -> Floats:
    """The values of one name, nan where it is missing."""
    import numpy as np

    return np.array([math.nan if (value := row.get(name)) is None else value for row in rows], float)


def _properties(rows: Sequence[tuple[Opinion, Described]]) -> dict[str, Flags]:
    """Those that are about enough people, the most frequent ones."""
    import numpy as np

    people: defaultdict[str, set[Any]] = defaultdict(set)
    for place, (_, known) in enumerate(rows):
        for name in known.properties:
            if len(people[name]) < FEWEST_PEOPLE:
                people[name].add(known.user or place)
    counts = Counter(name for _, known in rows for name in known.properties if len(people[name]) >= FEWEST_PEOPLE)
    chosen = [name for name, count in counts.most_common(MOST_PROPERTIES) if count < len(rows)]
    return {name: np.array([name in known.properties for _, known in rows], bool) for name in chosen}


def _batches(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
