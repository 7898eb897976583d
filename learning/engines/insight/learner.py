"""The human-feedback learner: everything that one look at the opinions of a window tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from learning.engines.insight.correlations import Correlation, correlate
from learning.engines.insight.pairs import Pairs, Preferred, learn_pairs
from learning.engines.insight.patterns import Pattern, find_patterns
from learning.engines.insight.preferences import Profile, describe_reviewers, weigh_aspects
from learning.engines.insight.quality import QualityResult, learn_quality
from learning.engines.insight.recommendations import Recommendation, recommend
from learning.engines.insight.rules import Rule, find_rules
from learning.engines.insight.terms import Term, find_terms
from learning.engines.insight.thresholds import Threshold, find_thresholds
from learning.engines.insight.types import Opinions, varies

if TYPE_CHECKING:
    from learning.engines.insight.estimates import Estimate
    from learning.engines.insight.types import Flags, Floats
    from learning.engines.protocols import Progress

GOOD = 0.6  # of quality (0 to 1): at or above it an opinion counts as success
STEPS = 5
# By whom an aspect was told: what sums up their opinion, and from which to which end it runs.
VERDICTS = {"user.": ("user.rating", 1.0, 5.0), "expert.": ("expert.approved", 0.0, 1.0)}
SUMS = ("user.rating", "user.satisfied", "expert.approved", "expert.score")  # verdicts, and no aspects
MOST_PREFERENCES = 8  # features in a reviewer's profile
AFTERWARDS = ("similarity_to_correction",)  # known only once somebody has spoken: nothing is foretold from these
PREFERRED = (
    "answer.words", "answer.reading_ease", "answer.list_share", "answer.code_share", "answer.hedges",
    "answer.questions", "duration_ms", "confidence",
)  # fmt: skip


@dataclass(frozen=True)
class Insight:
    """What one run found. `n`: opinions; `judged`: those that say whether the execution was good."""

    n: int
    judged: int
    correlations: list[Correlation]
    patterns: list[Pattern]
    thresholds: list[Threshold]
    terms: list[Term]
    rules: list[Rule]
    profiles: list[Profile]
    preferred: Preferred
    quality: QualityResult
    recommendations: list[Recommendation]


def success_of(quality: Floats) -> Floats:
    """1 where quality (0 to 1) is at least GOOD, 0 below, nan where nobody judged."""
    import numpy as np

    return np.where(np.isfinite(quality), (quality >= GOOD).astype(float), np.nan)


class HumanFeedbackLearner:
    """Learns what people like about an agent's executions from what they said."""

    def __init__(self, *, seed: int = 0, progress: Progress | None = None) -> None:
        self._seed = seed
        self._progress = progress or (lambda step, total, message, /: None)

    def learn(
        self, opinions: Opinions, quality: Floats, properties: Mapping[str, Flags], *, score: Floats | None = None,
        pairs: Pairs | None = None,
    ) -> Insight:  # fmt: skip
        """quality: each opinion as one number, 0 to 1, nan when it has none. properties: yes or no, by what it is
        called. score: the overall score that came with an expert's verdict. pairs: answers preferred to others. What
        `progress` raises passes through.
        """
        import numpy as np

        success = success_of(quality)
        known = {name: column for name, column in opinions.features.items() if name not in AFTERWARDS}
        correlations = correlate(opinions, tick=lambda: self._tell(0, "Correlations"))
        self._tell(1, "Patterns")
        patterns = find_patterns(properties, success, opinions.reviewers, opinions.cases)
        thresholds = find_thresholds(known, success, opinions.reviewers, opinions.cases, seed=self._seed)
        self._tell(2, "Terms and rules")
        owners = opinions.cases if opinions.owners is None else opinions.owners
        terms = find_terms(opinions.texts, success, owners) if opinions.texts else []
        rules = find_rules(known, success, opinions.cases, seed=self._seed)
        self._tell(3, "Reviewers")
        profiles = _profiles(opinions, known, quality, score)
        chosen = Preferred(0, 0, "Nobody preferred one answer to another.") if pairs is None else learn_pairs(pairs)
        self._tell(4, "Quality predictor")
        quality_model = learn_quality(
            known, quality, opinions.reviewers, opinions.cases, seed=self._seed,
            tick=lambda: self._tell(4, "Quality predictor"),
        )  # fmt: skip
        self._tell(STEPS, "Done")
        return Insight(
            len(opinions), int(np.isfinite(quality).sum()), correlations, patterns, thresholds, terms, rules, profiles,
            chosen, quality_model, recommend(thresholds, terms, patterns),
        )  # fmt: skip

    def _tell(self, step: int, message: str) -> None:
        self._progress(step, STEPS, message)


def _profiles(opinions: Opinions, known: Mapping[str, Floats], quality: Floats, score: Floats | None) -> list[Profile]:
    preferred = {name: known[name] for name in PREFERRED if name in known}
    aspects = _aspects(opinions)
    found = describe_reviewers(_varied(preferred), quality, opinions.reviewers, score=score)
    return [replace(one, aspects=aspects.get(one.reviewer, {})) for one in found]


def _varied(features: Mapping[str, Floats]) -> dict[str, Floats]:
    kept = {name: column for name, column in features.items() if varies(column)}
    return dict(list(kept.items())[:MOST_PREFERENCES])


def _aspects(opinions: Opinions) -> dict[int, dict[str, Estimate]]:
    """What each aspect weighs in a person's verdict: users and experts by themselves."""
    found: dict[int, dict[str, Estimate]] = {}
    for prefix, (verdict, worst, best) in VERDICTS.items():
        told = {name: column for name, column in opinions.aspects.items() if name.startswith(prefix)}
        if verdict in told:
            said = (told[verdict] - worst) / (best - worst)
            columns = {name: column for name, column in told.items() if name not in SUMS}
            found |= weigh_aspects(columns, said, opinions.reviewers)
    return found
