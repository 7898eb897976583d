"""How much the experts of a queue agree: over its decisions, scores, categories and rubric, and pair by pair."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from annotation.agreement import (
    Interval,
    Level,
    Ratings,
    bootstrap_interval,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac2,
    krippendorff_alpha,
)
from annotation.models import AnnotationQueue, ExpertAnnotation, QuestionKind, SlotKind
from annotation.models.annotations import SCORES

NEWEST = 4_000  # opinions that are compared
RESAMPLES = 200
MOST_SUBJECTS, MOST_PAIRS = 40, 50
LEVELS: dict[str, Level] = {
    QuestionKind.YES_NO: "nominal",
    QuestionKind.CHOICE: "nominal",
    QuestionKind.SCALE: "ordinal",
}


@dataclass(frozen=True)
class Agreement:
    """The agreement about one subject over the items that two or more people rated. None: it cannot be computed.

    `ac2` weighs by squared distance where the values are ordered.
    """

    subject: str
    level: Level
    raters: int
    items: int
    alpha: Interval
    fleiss: float | None
    ac2: Interval


@dataclass(frozen=True)
class PairAgreement:
    """Two experts over the items that both decided: Cohen's kappa, and the share of equal decisions (0-1)."""

    one: str
    other: str
    items: int
    kappa: float | None
    equal: float


@dataclass(frozen=True)
class AgreementReport:
    opinions: int
    subjects: list[Agreement] = field(default_factory=list)
    pairs: list[PairAgreement] = field(default_factory=list)


def measure_agreement(*, queue: AnnotationQueue, stage: str = "") -> AgreementReport:
    """Over the newest opinions of the queue (of one stage when given)."""
    rows = ExpertAnnotation.objects.counted().filter(slot__queue=queue, kind=SlotKind.REVIEW, expert__isnull=False)
    if stage:
        rows = rows.filter(stage=stage)
    opinions = list(rows.select_related("expert").order_by("-created_at")[:NEWEST])
    subjects = [
        _measure(subject, level, _matrix(opinions, values))
        for subject, (level, values) in list(_subjects(opinions, queue).items())[:MOST_SUBJECTS]
    ]
    return AgreementReport(len(opinions), subjects, _pairs(opinions))


def _subjects(opinions: list[ExpertAnnotation], queue: AnnotationQueue) -> dict[str, tuple[Level, dict[Any, Any]]]:
    """{subject: (level, {opinion's id: value})}; decisions first."""
    found: dict[str, tuple[Level, dict[Any, Any]]] = {"decision": ("nominal", {o.pk: o.decision for o in opinions})}
    for name in SCORES:
        found[name] = ("interval", {o.pk: value for o in opinions if (value := getattr(o, name)) is not None})
    categories = sorted({name for o in opinions for name in o.categories})
    for name in categories:
        rated = {o.pk: score for o in opinions if (score := _score(o.categories.get(name))) is not None}
        found[f"category: {name}"] = ("interval", rated)
    for question in queue.rubric.questions if queue.rubric else []:
        key = question["key"]
        if question["kind"] in LEVELS:
            answered = {o.pk: o.answers[key] for o in opinions if key in o.answers and o.rubric_id == queue.rubric_id}
            found[f"question: {key}"] = (LEVELS[question["kind"]], answered)
    return {subject: pair for subject, pair in found.items() if pair[1]}


def _score(rating: Any) -> float | None:
    """The score of a category; None for what is no rating."""
    found = rating.get("score") if isinstance(rating, dict) else None
    return found if isinstance(found, int | float) else None


def _matrix(opinions: list[ExpertAnnotation], values: dict[Any, Any]) -> Ratings:
    """Ratings by (rater, item); words become codes."""
    used = [opinion for opinion in opinions if opinion.pk in values]
    raters = _places(opinion.expert_id for opinion in used)
    items = _places((opinion.example_id, opinion.stage, opinion.round) for opinion in used)
    words = sorted({value for value in values.values() if isinstance(value, str)})
    ratings = np.full((len(raters), len(items)), np.nan)
    for opinion in used:
        value = values[opinion.pk]
        place = raters[opinion.expert_id], items[opinion.example_id, opinion.stage, opinion.round]
        ratings[place] = words.index(value) if isinstance(value, str) else float(value)
    return ratings


def _measure(subject: str, level: Level, ratings: Ratings) -> Agreement:
    rng = np.random.default_rng(0)  # the same opinions give the same interval
    weights = "identity" if level == "nominal" else "quadratic"
    alpha = bootstrap_interval(partial(krippendorff_alpha, level=level), ratings, rng, resamples=RESAMPLES)
    ac2 = bootstrap_interval(partial(gwet_ac2, weights=weights), ratings, rng, resamples=RESAMPLES)  # type: ignore[arg-type]
    return Agreement(subject, level, ratings.shape[0], alpha.items, alpha, _known(fleiss_kappa(ratings)), ac2)


def _pairs(opinions: list[ExpertAnnotation]) -> list[PairAgreement]:
    """Pairs with common items, the most of them first."""
    decided: dict[str, dict[Any, str]] = defaultdict(dict)
    for opinion in opinions:
        name = opinion.expert.username if opinion.expert else ""
        decided[name][opinion.example_id, opinion.stage, opinion.round] = opinion.decision
    found = []
    for one, other in itertools.combinations(sorted(decided), 2):
        common = decided[one].keys() & decided[other].keys()
        if common:
            found.append(_pair(one, other, [(decided[one][item], decided[other][item]) for item in common]))
    return sorted(found, key=lambda pair: -pair.items)[:MOST_PAIRS]


def _pair(one: str, other: str, decisions: list[tuple[str, str]]) -> PairAgreement:
    words = sorted({decision for pair in decisions for decision in pair})
    codes = np.array([[words.index(decision) for decision in pair] for pair in decisions], float).T
    equal = float((codes[0] == codes[1]).mean())
    return PairAgreement(one, other, len(decisions), _known(cohen_kappa(codes[0], codes[1])), equal)


def _places(names: Iterable[Any]) -> dict[Any, int]:
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
