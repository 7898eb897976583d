"""The human-feedback learner: everything that one look at the opinions of a window tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning.engines.insight.correlations import Correlation, correlate
from learning.engines.insight.patterns import Pattern, find_patterns
from learning.engines.insight.preferences import Profile, describe_reviewers
from learning.engines.insight.quality import QualityResult, learn_quality
from learning.engines.insight.recommendations import Recommendation, recommend
from learning.engines.insight.rules import Rule, find_rules
from learning.engines.insight.terms import Term, find_terms
from learning.engines.insight.thresholds import Threshold, find_thresholds
from learning.engines.insight.types import Opinions

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats
    from learning.engines.protocols import Progress

GOOD = 0.6  # of quality (0 to 1): at or above it an opinion counts as success
STEPS = 5
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
        self, opinions: Opinions, quality: Floats, properties: Mapping[str, Flags], *, score: Floats | None = None
    ) -> Insight:
        """quality: each opinion as one number, 0 to 1, nan when it has none. properties: yes or no, by what it is
        called. score: the overall score that came with an expert's verdict. What `progress` raises passes through.
        """
        import numpy as np

        success = success_of(quality)
        known = {name: column for name, column in opinions.features.items() if name not in AFTERWARDS}
        correlations = correlate(opinions, tick=lambda: self._tell(0, "Correlations"))
        self._tell(1, "Patterns")
        patterns = find_patterns(properties, success, opinions.reviewers, opinions.cases)
        thresholds = find_thresholds(known, success, opinions.cases, seed=self._seed)
        self._tell(2, "Terms and rules")
        owners = opinions.cases if opinions.owners is None else opinions.owners
        terms = find_terms(opinions.texts, success, owners) if opinions.texts else []
        rules = find_rules(known, success, opinions.cases, seed=self._seed)
        self._tell(3, "Reviewers")
        preferred = {name: known[name] for name in PREFERRED if name in known}
        profiles = describe_reviewers(_varied(preferred), quality, opinions.reviewers, score=score)
        self._tell(4, "Quality predictor")
        quality_model = learn_quality(
            known, quality, opinions.reviewers, opinions.cases, seed=self._seed,
            tick=lambda: self._tell(4, "Quality predictor"),
        )  # fmt: skip
        self._tell(STEPS, "Done")
        return Insight(
            len(opinions), int(np.isfinite(quality).sum()), correlations, patterns, thresholds, terms, rules, profiles,
            quality_model, recommend(thresholds, terms, patterns),
        )  # fmt: skip

    def _tell(self, step: int, message: str) -> None:
        self._progress(step, STEPS, message)


def _varied(features: Mapping[str, Floats]) -> dict[str, Floats]:
    kept = {name: column for name, column in features.items() if _varies(column)}
    return dict(list(kept.items())[:MOST_PREFERENCES])


def _varies(column: Floats) -> bool:
    import numpy as np

    known = column[np.isfinite(column)]
    return len(known) > 0 and bool(known.min() < known.max())
