"""Whether a judge says what the experts say: measured on answers that both scored, before it may judge anything.

Cohen's kappa with quadratic weights: Cohen (1968), "Weighted kappa", Psychological Bulletin 70. Spearman's rank
correlation beside it. The interval is a percentile bootstrap over the items. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning.engines.errors import JudgeRefused
from learning.engines.judge import POINTS, Judge
from learning.engines.types import Completion, CompletionRequest, JsonObject

if TYPE_CHECKING:  # see docs/decisions/0011
    import numpy as np
    import numpy.typing as npt

    Grades = npt.NDArray[np.float64]

FEWEST_ITEMS = 20
MOST_ITEMS = 60
# "Moderate" on the scale of Landis and Koch (1977), and an interval that leaves mere chance out.
LEAST_KAPPA = 0.4
LEAST_LOW = 0.1
RESAMPLES = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """An answer that an expert scored (0-1)."""

    input: str
    answer: str
    expected: str
    score: float

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError("An expert's score lies between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge agrees with the experts over `n` answers; of which `unread` got no grade and count as wrong by most.

    `kappa` (weighted, -1 to 1) with its interval at `confidence`; `spearman` is None where one side never varies.
    """

    n: int
    unread: int
    kappa: float
    low: float
    high: float
    spearman: float | None
    confidence: float = CONFIDENCE

    @property
    def accepted(self) -> bool:
        return self.n >= FEWEST_ITEMS and self.kappa >= LEAST_KAPPA and self.low >= LEAST_LOW

    def as_json(self) -> JsonObject:
        return {
            "n": self.n,
            "unread": self.unread,
            "kappa": self.kappa,
            "low": self.low,
            "high": self.high,
            "spearman": self.spearman,
            "confidence": self.confidence,
            "accepted": self.accepted,
            "least_kappa": LEAST_KAPPA,
        }

    def __str__(self) -> str:
        return f"weighted kappa {self.kappa:.2f} [{self.low:.2f}, {self.high:.2f}] over {self.n} answers"


def calibrate(
    judge: Judge,
    items: Sequence[ScoredAnswer],
    ask: Callable[[Sequence[CompletionRequest]], Sequence[Completion]],
    *,
    seed: int = 0,
) -> Agreement:
    """Let the judge grade what experts scored. One call for each item, at most MOST_ITEMS of them.

    Raises JudgeRefused when there are too few items or the two do not agree well enough.
    """
    items = spread(items, MOST_ITEMS)
    if len(items) < FEWEST_ITEMS:
        raise JudgeRefused(
            f"The judge cannot be checked: at least {FEWEST_ITEMS} answers with an expert's score are needed, "
            f"there are {len(items)}."
        )
    replies = ask([judge.request(one.input, one.answer, one.expected) for one in items])
    found = agreement_of([one.score for one in items], [judge.read(reply.text) for reply in replies], seed=seed)
    if not found.accepted:
        raise JudgeRefused(
            f"The judge does not agree with the experts: {found}; at least {LEAST_KAPPA} with an interval above "
            f"{LEAST_LOW} is needed. Change the rubric or the model, or choose another metric."
        )
    return found


def agreement_of(experts: Sequence[float], judged: Sequence[float | None], *, seed: int = 0) -> Agreement:
    """The agreement of two rows of scores (0-1). Where the judge gave none it counts as the most wrong grade."""
    import numpy as np
    import scipy

    wanted = np.array([round(score * POINTS) for score in experts], float)
    given = np.array(
        [
            _farthest(want) if score is None else round(score * POINTS)
            for want, score in zip(wanted, judged, strict=True)
        ],
        float,
    )
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(wanted), (RESAMPLES, len(wanted)))
    low, high = np.quantile([weighted_kappa(wanted[pick], given[pick]) for pick in picks], _tails())
    kappa = weighted_kappa(wanted, given)
    varied = np.ptp(wanted) > 0 and np.ptp(given) > 0
    return Agreement(
        n=len(wanted),
        unread=sum(score is None for score in judged),
        kappa=kappa,
        low=min(float(low), kappa),
        high=max(float(high), kappa),
        spearman=float(scipy.stats.spearmanr(wanted, given).statistic) if varied else None,
    )


def weighted_kappa(one: Grades, other: Grades) -> float:
    """1 - observed over expected squared distance; 0 where nothing varies, for then nothing was shown."""
    import numpy as np

    observed = float(np.mean((one - other) ** 2))
    expected = float(np.mean((one[:, None] - other[None, :]) ** 2))
    return 1 - observed / expected if expected > 0 else 0.0


def spread(items: Sequence[ScoredAnswer], most: int) -> list[ScoredAnswer]:
    """At most so many, evenly over the range of the scores: a judge that only knows good answers shows nothing."""
    ordered = sorted(items, key=lambda one: (one.score, one.input, one.answer))
    if len(ordered) <= most:
        return ordered
    return [ordered[place * len(ordered) // most] for place in range(most)]


def _farthest(grade: float) -> float:
    return 0.0 if grade > POINTS / 2 else float(POINTS)


def _tails() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
