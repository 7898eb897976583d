"""A test of two arms that is exact at any number of units, for any outcome in 0 to 1 and any logged propensities.

A gambler bets on each unit before it is seen. The stake wins (A - pi)(Y - m), whose mean is 0 when the arm makes no
difference to the mean outcome, whatever that mean is and however it drifts: A is 1 for treatment, pi its logged
propensity, m a guess from earlier units. So the capital is an e-process (Waudby-Smith and Ramdas, "Estimating means of
bounded random variables by betting", JRSS B 2024). Bets follow their aGRAPA rule. One half of the capital bets on a
gain, one half on a loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

BOLDEST = 0.5  # of the stake at which one unit could lose everything
START_VARIANCE = 0.05
START_UNITS = 1.0


@dataclass(frozen=True, slots=True)
class Gambler:
    """What must be remembered between looks: two log capitals and the running sums that the bets follow."""

    log_gain: float = 0.0
    log_loss: float = 0.0
    units: float = 0.0
    outcomes: float = 0.0
    won: float = 0.0
    squares: float = 0.0

    @property
    def log_e(self) -> float:
        """Log evidence against "no difference", two-sided."""
        return float(np.logaddexp(self.log_gain, self.log_loss)) - math.log(2)

    @property
    def p(self) -> float:
        """1 / e-value now, 1 at the most; its smallest value so far is an always-valid p."""
        return math.exp(-max(self.log_e, 0.0))

    def after(self, outcomes: npt.ArrayLike, treated: npt.ArrayLike, propensities: npt.ArrayLike) -> Gambler:
        """The gambler after more units, in the order of their exposure; `propensities` are those of treatment.

        Raises ValueError when an outcome leaves 0 to 1 or a propensity is not between 0 and 1.
        """
        y, a = np.asarray(outcomes, dtype=np.float64).ravel(), np.asarray(treated, dtype=np.float64).ravel()
        if y.size == 0:
            return self
        pi = np.broadcast_to(np.asarray(propensities, dtype=np.float64), y.shape)
        if y.shape != a.shape or ((y < 0) | (y > 1)).any() or ((pi <= 0) | (pi >= 1)).any():
            raise ValueError("one outcome in 0 to 1, one arm and one propensity between 0 and 1 for each unit")
        gains = stakes(y[None], a[None], pi[None], start=self)
        gain, loss, won, squares = (float(values[0]) for values in gains)
        return Gambler(
            self.log_gain + gain,
            self.log_loss + loss,
            self.units + y.size,
            self.outcomes + float(y.sum()),
            won,
            squares,
        )


def stakes(y: Numbers, a: Numbers, pi: Numbers, *, start: Gambler) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Log capital won on gain and on loss, and the sums of winnings and of their squares, for rows of streams."""
    gain, loss, won, squares = capital(y, a, pi, start=start)
    return gain[:, -1], loss[:, -1], won[:, -1], squares[:, -1]


def capital(y: Numbers, a: Numbers, pi: Numbers, *, start: Gambler) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """The same after each unit (columns) of each stream (rows)."""
    before = start.units + np.arange(y.shape[1])
    total = start.outcomes + np.cumsum(y, axis=1) - y
    guess = (0.5 + total) / (1.0 + before)
    payoff = (a - pi) * (y - guess)
    won = start.won + np.cumsum(payoff, axis=1)
    squares = start.squares + np.cumsum(payoff**2, axis=1)
    mean = (won - payoff) / (START_UNITS + before)
    variance = (START_VARIANCE * START_UNITS + squares - payoff**2) / (START_UNITS + before)
    # No unit can lose more than this, so that the capital stays positive.
    most = BOLDEST / (np.maximum(pi, 1 - pi) * np.maximum(guess, 1 - guess))
    up, down = np.clip(mean / variance, 0, most), np.clip(-mean / variance, 0, most)
    return np.log1p(up * payoff).cumsum(axis=1), np.log1p(-down * payoff).cumsum(axis=1), won, squares
