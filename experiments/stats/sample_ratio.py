"""Does each arm get the share that was promised? By a test that may be looked at all the time (section 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use: every process of the product imports this module

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
    observed, expected = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if observed.shape != expected.shape or observed.size < 2:
        raise ValueError("every arm needs a count and a share")
    if (observed < 0).any() or (expected <= 0).any() or not math.isclose(float(expected.sum()), 1.0, abs_tol=1e-9):
        raise ValueError("counts cannot be negative; shares are positive and sum to one")
    total = float(observed.sum())
    prior = PRIOR_STRENGTH * expected
    log_e = float(
        (scipy.special.gammaln(prior + observed) - scipy.special.gammaln(prior) - observed * np.log(expected)).sum()
        - (scipy.special.gammaln(PRIOR_STRENGTH + total) - scipy.special.gammaln(PRIOR_STRENGTH))
    )
    highest = max(highest, log_e)
    fixed = float(scipy.stats.chisquare(observed, total * expected).pvalue) if total else math.nan
    return SampleRatio(highest, highest >= -math.log(alpha), fixed)
