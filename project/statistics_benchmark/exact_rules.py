"""The test that holds from the first user on, at every look of many streams at once."""

from __future__ import annotations

import math

import numpy as np
import scipy

from experiments.stats.exact import BETS, EDGE, ON_BOTH, ON_MIXTURE, ON_ONE, PRIOR
from project.statistics_benchmark.blocks import Blocks, Numbers, first_true
from project.statistics_benchmark.rules import ALPHA, rejects
from project.statistics_benchmark.worlds import World

GOLDEN = (math.sqrt(5) - 1) / 2
STEPS = 40


def by_exact_bounds(world: World, blocks: Blocks) -> Numbers:
    """As `experiments.stats.exact.difference_p`: both arms together speak against every common rate."""
    n, ones = blocks.n.cumsum(axis=1), blocks.totals[..., 0].cumsum(axis=1)
    found = np.zeros(n.shape[:2], dtype=bool)
    for order in ([0, 1], [1, 0]):
        own, good = n[..., order], ones[..., order]
        # The lowest evidence of all common rates is looked for only where that against the pooled one is enough.
        pooled = np.clip(good.sum(axis=-1) / own.sum(axis=-1), EDGE, 1 - EDGE)
        likely = rejects(_evidence(own, good, pooled), ALPHA / 2)
        found[likely] |= rejects(_lowest(own[likely], good[likely]), ALPHA / 2)
    return first_true(found, blocks.exposed)


def _lowest(n: Numbers, ones: Numbers) -> Numbers:
    """The evidence against the common rate that suits both arms best, by golden sections: it is convex."""
    low, high = np.full(n.shape[:-1], EDGE), np.full(n.shape[:-1], 1 - EDGE)
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower = _evidence(n, ones, left) < _evidence(n, ones, right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return _evidence(n, ones, (low + high) / 2)


def _evidence(n: Numbers, ones: Numbers, rate: Numbers) -> Numbers:
    """`experiments.stats.exact._pair_evidence` at pairs of equal rates; the last axis is the two arms."""
    own = scipy.special.betaln(PRIOR + ones, PRIOR + n - ones) - scipy.special.betaln(PRIOR, PRIOR)
    own = own - ones * np.log(rate)[..., None] - (n - ones) * np.log1p(-rate)[..., None]
    total = own.sum(axis=-1) + math.log(ON_MIXTURE)
    for bet in BETS:
        lower = -bet * ones[..., 1] - n[..., 1] * np.log1p(rate * np.expm1(-bet))
        higher = bet * ones[..., 0] - n[..., 0] * np.log1p(rate * np.expm1(bet))
        total = np.logaddexp(total, lower + math.log(ON_ONE / BETS.size))
        total = np.logaddexp(total, lower + higher + math.log(ON_BOTH / BETS.size))
    return np.asarray(total)
