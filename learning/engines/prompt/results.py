"""What the prompt optimizer hands back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from learning.engines.agreement import Agreement
from learning.engines.prompt.analysis import Analysis, Issue
from learning.engines.types import Cost, JsonObject, Prompt

IMPROVED = "improved"
NOT_IMPROVED = "no measurable improvement"


class VariantKind(StrEnum):
    """How a variant came about."""

    CURRENT = "current"
    CLARIFIED = "clarified"
    RESTRUCTURED = "restructured"
    OUTPUT_CONTRACT = "output_contract"
    REWRITTEN = "rewritten"
    REFLECTIVE = "reflective"
    FEW_SHOT = "few_shot"
    COMBINED = "combined"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Variant:
    """One prompt in the race. `parent`: the name of the variant that it was made of."""

    name: str
    kind: VariantKind
    prompt: Prompt
    parent: str = ""

    @property
    def instruction_only(self) -> bool:
        return not self.prompt.examples


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a variant came. Means (0-1) over `n` validation answers; None when it was never tried.

    Means over different numbers of examples cannot be compared with each other. `believed`: the score (0-1) that the
    answers of all variants together suggest. `calls`: what it cost. `dropped`: surely worse than the leader.
    """

    variant: Variant
    n: int
    mean: float | None
    second_mean: float | None
    believed: float | None = None
    calls: int = 0
    dropped: bool = False

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
class ClusterChange:
    """Mean scores (0-1) on `n` test examples about the same thing, and how many of them gained and lost."""

    words: str
    n: int
    before: float
    after: float
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class WorseExample:
    """A test example that the winner answers worse than the current prompt. Scores 0-1."""

    key: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Means for one answer. None where nothing was measured."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class GoalChange:
    """What the winner does to another goal. `claimed`: a gain after the correction (`adjusted_p`)."""

    goal: str
    change: Difference
    adjusted_p: float
    claimed: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the test split said, once.

    `instruction_only`: the best plain instruction without examples; None where no calls were left for it. `worse`: all
    that got worse, the worst first.
    """

    before: TestScore
    after: TestScore
    instruction_only: TestScore | None
    improvement: Difference
    clusters: tuple[ClusterChange, ...] = ()
    worse: tuple[WorseExample, ...] = ()
    usage_before: Usage = Usage()
    usage_after: Usage = Usage()
    goals: tuple[GoalChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The outcome of one run. Without a confirmation no variant beat the current prompt on validation, or the budget
    ended before enough test examples were answered: then the test split was `opened` all the same.

    `earlier_readings`: how often test examples were read before, by others; the claim is corrected for them.
    `trace`: the mean score of the leader after so many calls. `agreement`: of the judge with the experts, where one
    judges. `ended`: why the search ended before its calls were used up; empty when it did not.
    """

    best_variant: Variant
    variants: tuple[Standing, ...]
    confirmation: Confirmation | None
    issues: tuple[Issue, ...]
    recommendations: tuple[str, ...]
    cost: Cost
    analysis: Analysis
    trace: tuple[JsonObject, ...] = ()
    agreement: Agreement | None = None
    strategies: tuple[str, ...] = ()
    ended: str = ""
    opened: bool = False
    earlier_readings: int = 0

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
        from learning.engines.prompt.result_json import result_json

        return result_json(self)
