"""What the prompt optimizer hands back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from learning.engines.prompt.analysis import Issue
from learning.engines.types import Cost, JsonObject, Prompt

IMPROVED = "improved"
NOT_IMPROVED = "no measurable improvement"


class VariantKind(StrEnum):
    """How a variant came about."""

    CURRENT = "current"
    CLARIFIED = "clarified"
    RESTRUCTURED = "restructured"
    REWRITTEN = "rewritten"
    FEW_SHOT = "few_shot"
    COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class Variant:
    """One prompt in the race."""

    name: str
    kind: VariantKind
    prompt: Prompt

    @property
    def instruction_only(self) -> bool:
        return not self.prompt.examples


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a variant came. Means (0-1) over `n` validation examples; None when it was never tried.

    Means over different numbers of examples cannot be compared with each other.
    """

    variant: Variant
    n: int
    mean: float | None
    second_mean: float | None

    def __post_init__(self) -> None:
        if self.n < 0 or (self.n == 0) != (self.mean is None):
            raise ValueError("A mean needs at least one score, and no score gives no mean.")
        if self.mean is not None and not 0 <= self.mean <= 1:
            raise ValueError("Scores lie between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of the paired differences in score (new minus old, -1 to 1) over `n` independent cases.

    `low` and `high` bound it at the stated confidence; `p_value` is two-sided.
    """

    mean: float
    low: float
    high: float
    n: int
    p_value: float
    confidence: float
    method: str

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("A difference needs at least one pair.")
        if not -1 <= self.low <= self.mean <= self.high <= 1:
            raise ValueError("The mean must lie in its interval, and both between -1 and 1.")
        if not 0 <= self.p_value <= 1 or not 0 < self.confidence < 1:
            raise ValueError("Probabilities lie between 0 and 1.")

    @property
    def is_gain(self) -> bool:
        """Whether the interval and the test both say that the new one is better."""
        return self.low > 0 and self.p_value <= 1 - self.confidence


@dataclass(frozen=True, slots=True)
class TestScore:
    """A prompt's mean score (0-1) on `n` examples of the test split, with its interval."""

    __test__ = False

    prompt: Prompt
    mean: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.low <= self.mean <= self.high <= 1:
            raise ValueError("A score lies between 0 and 1, inside its interval, over at least one example.")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the test split said, once. `instruction_only`: the best plain instruction without examples."""

    before: TestScore
    after: TestScore
    instruction_only: TestScore
    improvement: Difference


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The outcome of one run. Without a confirmation no variant beat the current prompt on validation."""

    best_variant: Variant
    variants: tuple[Standing, ...]
    confirmation: Confirmation | None
    issues: tuple[Issue, ...]
    recommendations: tuple[str, ...]
    cost: Cost

    @property
    def improved(self) -> bool:
        return self.confirmation is not None and self.confirmation.improvement.is_gain

    @property
    def verdict(self) -> str:
        return IMPROVED if self.improved else NOT_IMPROVED

    @property
    def candidate(self) -> Prompt | None:
        """The prompt to propose; None unless the gain was confirmed."""
        return self.best_variant.prompt if self.improved else None

    @property
    def improvement(self) -> Difference | None:
        return self.confirmation.improvement if self.confirmation else None

    @property
    def improvement_percentage(self) -> float | None:
        """The confirmed difference in percentage points of the metric; None when nothing was confirmed."""
        return 100 * self.improvement.mean if self.improvement else None

    @property
    def p_value(self) -> float | None:
        return self.improvement.p_value if self.improvement else None

    @property
    def instruction_only(self) -> TestScore | None:
        return self.confirmation.instruction_only if self.confirmation else None

    def as_json(self) -> JsonObject:
        """The figures as a JSON object, for storing and showing. Shares and scores 0-1."""
        return {
            "verdict": self.verdict,
            "improvement_percentage": self.improvement_percentage,
            "improvement": _difference_json(self.improvement),
            "before": _score_json(self.confirmation.before if self.confirmation else None),
            "after": _score_json(self.confirmation.after if self.confirmation else None),
            "instruction_only": _score_json(self.instruction_only),
            "best_variant": _variant_json(self.best_variant),
            "variants": [_standing_json(standing) for standing in self.variants],
            "issues": [{"kind": one.kind, "count": one.count, "share": one.share} for one in self.issues],
            "recommendations": list(self.recommendations),
            "cost": {
                "calls": self.cost.calls,
                "cached_calls": self.cost.cached_calls,
                "input_tokens": self.cost.input_tokens,
                "output_tokens": self.cost.output_tokens,
            },
        }


def _difference_json(value: Difference | None) -> JsonObject | None:
    if value is None:
        return None
    return {
        "mean": value.mean,
        "low": value.low,
        "high": value.high,
        "n": value.n,
        "p_value": value.p_value,
        "confidence": value.confidence,
        "method": value.method,
    }


def _score_json(value: TestScore | None) -> JsonObject | None:
    return None if value is None else {"mean": value.mean, "low": value.low, "high": value.high, "n": value.n}


def _variant_json(value: Variant) -> JsonObject:
    prompt = value.prompt
    return {
        "name": value.name,
        "kind": value.kind.value,
        "system_prompt": prompt.system_prompt,
        "examples": len(prompt.examples),
    }


def _standing_json(value: Standing) -> JsonObject:
    return {**_variant_json(value.variant), "n": value.n, "mean": value.mean, "second_mean": value.second_mean}
