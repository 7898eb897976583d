"""Does each arm get the share that was promised? By a test that may be looked at all the time (section 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts load at their first use: every process of the product imports this module

Numbers = npt.NDArray[np.float64]

PRIOR_STRENGTH = 100.0
ALARM_ALPHA = 0.001


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Log evidence against the promised shares (the highest so far), whether that is an alarm, and the p-value of now.

    The alarm is sticky: an alarm once raised stays. `fixed_p` is the chi-squared test, only for display.
    """

    log_e: float
    alarm: bool
    fixed_p: float


def sample_ratio(
    counts: Sequence[int], shares: Sequence[float], *, highest: float = 0.0, alpha: float = ALARM_ALPHA
) -> SampleRatio:
    """Test counts of units per arm against expected shares; `highest` is the log evidence stored at the last look.

    Raises ValueError when lengths differ, a count is negative, or the shares are not positive with sum one.
    """
    return sample_ratio_of_epochs([(counts, shares)], highest=highest, alpha=alpha)


def sample_ratio_of_epochs(
    epochs: Sequence[tuple[Sequence[int], Sequence[float]]], *, highest: float = 0.0, alpha: float = ALARM_ALPHA
) -> SampleRatio:
    """The same over the steps of a ramp, (counts, shares) of each: the evidence of all is multiplied."""
    log_e = distance = 0.0
    degrees = 0
    for counts, shares in epochs:
        observed, expected = _checked(counts, shares)
        log_e += _log_e(observed, expected)
        if total := float(observed.sum()):
            distance += float(((observed - total * expected) ** 2 / (total * expected)).sum())
            degrees += observed.size - 1
    highest = max(highest, log_e)
    # `scipy.stats.chisquare` gives the same and takes ten times as long.
    fixed = float(scipy.special.chdtrc(degrees, distance)) if degrees else math.nan
    return SampleRatio(highest, highest >= -math.log(alpha), fixed)


def _checked(counts: Sequence[int], shares: Sequence[float]) -> tuple[Numbers, Numbers]:
    observed, expected = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if observed.shape != expected.shape or observed.size < 2:
        raise ValueError("every arm needs a count and a share")
    if (observed < 0).any() or (expected <= 0).any() or not math.isclose(float(expected.sum()), 1.0, abs_tol=1e-9):
        raise ValueError("counts cannot be negative; shares are positive and sum to one")
    return observed, expected


def _log_e(observed: Numbers, expected: Numbers) -> float:
    """Dirichlet-multinomial against multinomial, the prior's mean at the promised shares."""
    total, prior = float(observed.sum()), PRIOR_STRENGTH * expected
    return float(
        (scipy.special.gammaln(prior + observed) - scipy.special.gammaln(prior) - observed * np.log(expected)).sum()
        - (scipy.special.gammaln(PRIOR_STRENGTH + total) - scipy.special.gammaln(PRIOR_STRENGTH))
    )
