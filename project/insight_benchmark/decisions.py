"""People who accept or reject edits: foretelling their decisions on documents that nothing was learned from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from learning.engines.insight.estimates import Estimate
from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.preferences import describe_reviewers
from learning.engines.insight.quality import learn_quality, mean_over_cases
from learning.engines.insight.text_features import similarity, text_features
from learning.engines.insight.types import codes_of

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

TEXT = ("words", "reading_ease", "questions", "numbers", "hedges")
TOLD = ("after.words", "change.words", "similarity")  # what a reviewer's profile is about


@dataclass(frozen=True)
class Decisions:
    """Edits with who decided what. features: name -> column; accepted: 1 or 0."""

    features: dict[str, Floats]
    accepted: Floats
    reviewers: Integers
    documents: Integers
    names: list[str]


def read_decisions(data: Path) -> Decisions:
    import numpy as np

    with (data / "iterater-edits" / "r3_edit_decisions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    described = [_described(row) for row in rows]
    reviewers = codes_of([row["annotator"] for row in rows])
    return Decisions(
        {name: np.array([one[name] for one in described], float) for name in described[0]},
        np.array([row["decision"] == "Accept" for row in rows], float),
        reviewers,
        codes_of([row["doc_id"] for row in rows]),
        list(dict.fromkeys(row["annotator"] for row in rows)),
    )


def _described(row: dict[str, str]) -> dict[str, float]:
    before, after = text_features(row["before"]), text_features(row["after"])
    found = {f"after.{name}": after[name] for name in TEXT} | {f"before.{name}": before[name] for name in TEXT}
    found |= {f"change.{name}": after[name] - before[name] for name in TEXT}
    found["similarity"] = similarity(row["before"], row["after"])
    found["position"] = float(row["start"])
    found["by_system"] = float(row["arm"] == "system_human")
    for kind in ("R", "D", "A"):
        found[f"type.{kind}"] = float(row["type"] == kind)
    for intent in ("clarity", "meaning-changed", "fluency", "coherence", "style"):
        found[f"intent.{intent}"] = float(row["intent"] == intent)
    return found


@dataclass(frozen=True)
class Foretold:
    """Shares of decisions foretold right, on documents held out, with 95 % intervals over documents.

    gain: of the predictor that knows the reviewer over each reviewer's usual answer. severity: by reviewer, what half
    of the documents gives, and the share of the other half that is rejected.
    """

    n: int
    without: Estimate
    with_reviewer: Estimate
    majority: Estimate
    reviewer_majority: Estimate
    gain: Estimate
    coverage: float
    severity: dict[str, tuple[float, float]]


def foretell(decisions: Decisions, *, seed: int = 0) -> Foretold:
    """The predictor with and without reviewers, and the two baselines, all on the same held-out documents."""
    import numpy as np

    said, documents = decisions.accepted, decisions.documents
    nobody = np.zeros_like(decisions.reviewers)
    without = learn_quality(decisions.features, said, nobody, documents, seed=seed)
    aware = learn_quality(decisions.features, said, decisions.reviewers, documents, seed=seed)
    assert without.held_out and aware.held_out and aware.coverage is not None  # noqa: S101  # there is data enough
    guesses = (without.held_out.guesses, aware.held_out.guesses, aware.held_out.means, aware.held_out.usual)
    right = [((guess > 0.5) == (said > 0.5)).astype(float) for guess in guesses]
    shares = [mean_over_cases(one, documents) for one in right]
    gain = mean_over_cases(right[1] - right[3], documents)
    return Foretold(len(said), shares[0], shares[1], shares[2], shares[3], gain, aware.coverage, _severities(decisions))


def _severities(decisions: Decisions) -> dict[str, tuple[float, float]]:
    learned, held = folds_by_group(decisions.documents, 2)[0]
    part = {name: column[learned] for name, column in decisions.features.items() if name in TOLD}
    profiles = describe_reviewers(part, decisions.accepted[learned], decisions.reviewers[learned])
    found = {one.reviewer: one.severity.value for one in profiles if one.severity}
    return {
        name: (found[code], 1 - float(decisions.accepted[held & (decisions.reviewers == code)].mean()))
        for code, name in enumerate(decisions.names)
    }
