"""How likely a confidence sequence is to leave zero, and when: for the plan before the start.

In the limit the estimate times the root of its information is a Brownian motion, so that everything depends on one
number, the drift: the real effect over the standard error expected at the planned units. The probability of having
left the sequence by each look is found by recursion over a grid (Armitage, McPherson and Rowe 1969), not by simulation.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.sequence import half_widths, tuning

Numbers = npt.NDArray[np.float64]

LOOKS = 100
CELLS = 6  # of the grid per standard deviation of a step
TAILS = 8.0
NEGLIGIBLE = 1e-30
LARGEST_DRIFT = 12.0


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """`power[k]`: probability of a verdict by `share[k]` of the planned units."""

    share: Numbers
    power: Numbers

    @property
    def at_plan(self) -> float:
        return float(np.interp(1.0, self.share, self.power))

    def share_until(self, probability: float) -> float:
        """The share of the planned units by which a verdict is this likely; nan when that lies beyond the curve."""
        if self.power[-1] < probability:
            return math.nan
        return float(np.interp(probability, self.power, self.share))


def power_curve(drift: float, *, alpha: float = 0.05, until: float = 1.0) -> PowerCurve:
    """The curve up to `until` times the planned units. `drift`: the effect over its standard error at the plan."""
    if not (0 < alpha < 1 and until > 0 and math.isfinite(drift)):
        raise ValueError("alpha lies between 0 and 1, the curve has a length, and the drift is finite")
    drift, step = min(abs(drift), LARGEST_DRIFT), until / LOOKS
    share = step * np.arange(1, LOOKS + 1)
    border = half_widths(1.0, share, rho2=tuning(1.0, alpha), alpha=alpha) * np.sqrt(share)
    cell = math.sqrt(step) / CELLS
    reach = math.ceil(float(border.max()) / cell)
    grid = cell * np.arange(-reach, reach + 1)
    far = math.ceil((drift * step + TAILS * math.sqrt(step)) / cell)
    jumps = cell * np.arange(-far, far + 1)
    kernel = np.exp(-((jumps - drift * step) ** 2) / (2 * step))
    kernel /= kernel.sum()
    density, inside = np.zeros(grid.size), []
    density[reach] = 1.0
    for limit in border:
        density = np.convolve(density, kernel)[far:-far]
        density[(np.abs(grid) > limit) | (density < NEGLIGIBLE)] = 0.0
        inside.append(density.sum())
    left = np.asarray(1 - np.array(inside), dtype=np.float64)
    return PowerCurve(np.asarray(share, dtype=np.float64), left)


@functools.lru_cache(maxsize=64)
def drift_for(power: float, alpha: float = 0.05) -> float:
    """The effect over its standard error at the planned units with which a verdict by then has this probability."""
    if not alpha < power < 1:
        raise ValueError("the power lies between alpha and 1")
    return float(
        scipy.optimize.brentq(lambda drift: power_curve(drift, alpha=alpha).at_plan - power, 0.0, LARGEST_DRIFT)
    )
