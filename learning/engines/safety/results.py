"""What a gate says: the rules that pass, each case that was checked, the outcome of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from learning.engines.types import JsonObject

NOTICEABLE = 0.2  # of a graded score (0-1): by so much a case became better or worse


@dataclass(frozen=True, slots=True)
class Rules:
    """What passes. `regressions`: the largest share (0-1) of formerly right answers that may turn wrong; of a graded
    metric the most that the mean score (0-1) may fall.

    A golden example (its key in `golden`) may never turn wrong, or noticeably worse.
    """

    regressions: float = 0.05
    blocked: tuple[str, ...] = ()
    golden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 <= self.regressions < 1:
            raise ValueError("The share of regressions must be at least 0 and below 1.")


class Outcome(StrEnum):
    """What became of a case. Two wrong answers pass the regression check, and still are wrong.

    The last three are for graded scores.
    """

    STAYED_RIGHT = "stayed right"
    BECAME_RIGHT = "became right"
    STILL_WRONG = "still wrong"
    BECAME_WRONG = "became wrong"
    SAFE = "safe"
    UNSAFE = "unsafe"
    AS_BEFORE = "as good as before"
    BETTER = "became better"
    WORSE = "became worse"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was checked. `before` and `after` are the answers of the current prompt and the candidate.

    `sealed`: it is made of the test split, and shown to those alone who may know it.
    """

    kind: str
    name: str
    passed: bool
    before: str
    after: str
    detail: str
    outcome: Outcome
    input: str
    wanted: str
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class GateResult:
    """The outcome. `right_before`, `right_after` and `regressed` count regression cases, of `checked`.

    `graded`: the scores are shares of a point, so their means (0-1) decide. `behavior`: see BehaviorCheck.as_json; None
    where no behavior was learned.
    """

    passed: bool
    reasons: tuple[str, ...]
    checked: int
    right_before: int
    right_after: int
    regressed: int
    cases: tuple[Case, ...]
    graded: bool = False
    mean_before: float = 0.0
    mean_after: float = 0.0
    behavior: JsonObject | None = None

    def summary(self) -> JsonObject:
        """The figures without the cases."""
        figures = asdict(self)
        figures.pop("cases")
        return figures | {"reasons": list(self.reasons)}
