"""What executions were like, as the columns that the human-feedback learner takes. Texts are read once, in batches."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from learning.engines.insight.text_features import question_features, similarity, text_features
from learning.models import Decision, Execution, LearningExample
from learning.services.insight_opinions import Opinion

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats, Opinions

BATCH = 1_000
MOST_TEXTS = 20_000  # whose words are looked at
MOST_PROPERTIES = 200
MOST_METADATA = 20  # numbers of the application's own
FEWEST_PEOPLE = 5  # whom a property must be about: fewer could be told apart by it
LONGEST_VALUE = 40  # characters; a longer value is a text and no choice
PLAIN = ("duration_ms", "input_tokens", "output_tokens", "cost", "confidence")


@dataclass(slots=True)
class Described:
    """One execution or example. properties: what is true of it, in words; user: whose it was; case: what it asked."""

    features: dict[str, float] = field(default_factory=dict)
    properties: set[str] = field(default_factory=set)
    answer: str = ""
    user: str = ""
    case: Any = None


@dataclass(frozen=True)
class Columns:
    """The opinions as columns, with what the learner wants beside them."""

    opinions: Opinions
    quality: Floats
    score: Floats
    properties: dict[str, Flags]
    who: list[tuple[str, Any]]  # by code of the reviewer


def describe(opinions: Sequence[Opinion]) -> dict[UUID, Described]:
    """Every execution that somebody judged, and every example whose execution is not there."""
    executions = {one.execution_id for one in opinions if one.execution_id}
    found: dict[UUID, Described] = {}
    for ids in _batches(executions):
        found |= _executions(ids)
    examples = {one.example_id for one in opinions if one.example_id and one.execution_id not in found}
    for ids in _batches(examples):
        for pk, asked, said, user in LearningExample.objects.filter(pk__in=ids).values_list(
            "pk", "input_text", "original_output", "user"
        ):
            found[pk] = _of_texts(asked, said, user)
    return found


def describe_answer(*, asked: str, said: str, known: Mapping[str, float]) -> dict[str, float]:
    """The features of an answer that is not an execution yet; `known`: numbers that the caller knows."""
    return _of_texts(asked, said, "").features | dict(known)


def _executions(ids: Sequence[UUID]) -> dict[UUID, Described]:
    found = {}
    names = ("pk", "input", "output", "user", "metadata", "context", "status", *PLAIN)
    for pk, asked, said, user, metadata, context, status, *plain in Execution.objects.filter(pk__in=ids).values_list(
        *names
    ):
        one = found[pk] = _of_texts(asked, said, user)
        one.features |= {name: float(value) for name, value in zip(PLAIN, plain, strict=True) if value is not None}
        one.properties.add(f"status is {status}")
        _add_metadata(one, metadata)
        turns = context.get("conversation") if isinstance(context, dict) else None
        one.features["turns"] = float(len(turns)) if isinstance(turns, list) else 0.0
    _add_decisions(found)
    return found


def _of_texts(asked: str, said: str, user: str) -> Described:
    features = {f"answer.{name}": value for name, value in text_features(said).items()}
    features |= {f"input.{name}": value for name, value in question_features(asked).items()}
    return Described(features, set(), said, user, " ".join(asked.lower().split())[:500] or None)


def _add_metadata(one: Described, metadata: Any) -> None:
    for name, value in list(metadata.items())[:MOST_METADATA] if isinstance(metadata, dict) else ():
        if isinstance(value, bool) or (isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE):
            one.properties.add(f"{name[:LONGEST_VALUE]} is {value}")
        elif isinstance(value, int | float) and math.isfinite(value):
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


def columns_of(opinions: Sequence[Opinion], described: Mapping[UUID, Described]) -> Columns:
    """Rows whose execution is known. A missing value is nan."""
    from learning.engines.insight.types import Opinions, codes_of

    rows = [(one, known) for one in opinions if (known := _known(one, described))]
    features = [_features(one, known) for one, known in rows]
    who = list(dict.fromkeys(one.who for one, _ in rows))
    texts = [known.answer if place < MOST_TEXTS else "" for place, (_, known) in enumerate(rows)]
    table = Opinions(
        {name: column(features, name) for name in sorted(set().union(*features))} if features else {},
        {name: column([one.aspects for one, _ in rows], name) for name in _aspects(rows)},
        codes_of([one.who for one, _ in rows]),
        codes_of([known.case or id(known) for _, known in rows]),
        texts,
        codes_of([known.user or known.case or id(known) for _, known in rows]),
    )
    quality, score = ([{"": getattr(one, name)} for one, _ in rows] for name in ("quality", "score"))
    return Columns(table, column(quality, ""), column(score, ""), _properties(rows), who)


def _known(one: Opinion, described: Mapping[UUID, Described]) -> Described | None:
    for key in (one.execution_id, one.example_id):
        if key is not None and key in described:
            return described[key]
    return None


def _features(one: Opinion, known: Described) -> dict[str, float]:
    if not one.correction:
        return known.features
    return known.features | {"similarity_to_correction": similarity(known.answer, one.correction)}


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
