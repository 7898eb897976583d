"""The test that holds from the first user on, at every look of many streams at once."""

from __future__ import annotations

import math

import numpy as np
import scipy

from experiments.stats.exact import BETS, EDGE, ON_BOTH, ON_MIXTURE, ON_ONE, PRIOR
from project.statistics_benchmark.blocks import Blocks, Numbers, Truths, first_true
from project.statistics_benchmark.rules import ALPHA, rejects
from project.statistics_benchmark.worlds import World

GOLDEN = (math.sqrt(5) - 1) / 2
STEPS = 40


def by_exact_bounds(world: World, blocks: Blocks) -> Numbers:
    """As `experiments.stats.exact.difference_p`: both arms together speak against every common rate."""
    n, ones = blocks.n.cumsum(axis=1), blocks.totals[..., 0].cumsum(axis=1)
    found = [first_against(n[..., order], ones[..., order], gap=0.0, alpha=ALPHA / 2) for order in ([0, 1], [1, 0])]
    return first_true(found[0] | found[1], blocks.exposed)


def first_against(n: Numbers, ones: Numbers, *, gap: float, alpha: float) -> Truths:
    """The first look of each stream at which `experiments.stats.exact.difference_bounds` show that the second rate
    exceeds the first by less than `gap`. The axes are streams, looks and the two arms.

    The lowest evidence of all pairs is looked for only where that of one pair is enough.
    """
    pooled = np.clip(ones.sum(axis=-1) / n.sum(axis=-1) - gap / 2, EDGE, 1 - gap - EDGE)
    likely = rejects(_evidence(n, ones, pooled, gap), alpha)
    found = np.zeros_like(likely)
    while likely.any():
        streams = np.flatnonzero(likely.any(axis=1))
        looks = likely[streams].argmax(axis=1)
        sure = rejects(_lowest(n[streams, looks], ones[streams, looks], gap), alpha)
        found[streams, looks] = sure
        likely[streams, looks] = False
        likely[streams[sure]] = False
    return found


def _lowest(n: Numbers, ones: Numbers, gap: float) -> Numbers:
    """The evidence against the pair of rates that suits both arms best, by golden sections: it is convex."""
    low, high = np.full(n.shape[:-1], EDGE), np.full(n.shape[:-1], 1 - gap - EDGE)
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower = _evidence(n, ones, left, gap) < _evidence(n, ones, right, gap)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return _evidence(n, ones, (low + high) / 2, gap)


def _evidence(n: Numbers, ones: Numbers, rate: Numbers, gap: float) -> Numbers:
    """`experiments.stats.exact._pair_evidence` at pairs of rates that lie `gap` apart."""
    rates = np.stack([rate, rate + gap], axis=-1)
    own = scipy.special.betaln(PRIOR + ones, PRIOR + n - ones) - scipy.special.betaln(PRIOR, PRIOR)
    own = own - ones * np.log(rates) - (n - ones) * np.log1p(-rates)
    total = own.sum(axis=-1) + math.log(ON_MIXTURE)
    for bet in BETS:
        lower = -bet * ones[..., 1] - n[..., 1] * np.log1p(rates[..., 1] * np.expm1(-bet))
        higher = bet * ones[..., 0] - n[..., 0] * np.log1p(rates[..., 0] * np.expm1(bet))
        total = np.logaddexp(total, lower + math.log(ON_ONE / BETS.size))
        total = np.logaddexp(total, lower + higher + math.log(ON_BOTH / BETS.size))
    return np.asarray(total)
