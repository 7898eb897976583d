"""A test of two rates that is exact at any moment, fed with what each look adds (Turner and Gruenwald, section 4).

Each look is a block of new units of both arms. Its evidence is the likelihood under the rates that earlier blocks
suggest, over the likelihood under the mixture of the two as one common rate; the product over blocks is an e-process
whatever the sizes of the blocks (Turner, Ly and Gruenwald, "Generic e-variables for exact sequential k-sample tests",
2024; arXiv 2302.11401 for the anytime-valid intervals). Unlike the bounds of `exact` it needs the order of the looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.moments import ProportionCounts

NOBODY = ProportionCounts(0, 0)
PRIOR = 0.18  # of both shapes of the beta prior: the value that Turner and others recommend


@dataclass(frozen=True, slots=True)
class SafeTest:
    """All units so far and the log evidence against equal rates."""

    control: ProportionCounts = NOBODY
    treatment: ProportionCounts = NOBODY
    log_e: float = 0.0

    def after(self, control: ProportionCounts, treatment: ProportionCounts) -> SafeTest:
        """The test after a block of new units (not of all units)."""
        log_e = self.log_e
        if control.n and treatment.n:
            first, second = _rate(self.control), _rate(self.treatment)
            common = (control.n * first + treatment.n * second) / (control.n + treatment.n)
            log_e += _likelihood(control, first) + _likelihood(treatment, second)
            log_e -= _likelihood(control + treatment, common)
        return SafeTest(self.control + control, self.treatment + treatment, log_e)

    @property
    def p(self) -> float:
        """1 / e-value now, 1 at the most; its smallest value so far is an always-valid p."""
        return math.exp(-max(self.log_e, 0.0))


def _rate(counts: ProportionCounts) -> float:
    return (PRIOR + counts.successes) / (2 * PRIOR + counts.n)


def _likelihood(counts: ProportionCounts, rate: float) -> float:
    return float(scipy.special.xlogy(counts.successes, rate) + scipy.special.xlog1py(counts.failures, -rate))
