"""The tests that hold from the first user on, at every look of many streams at once."""

from __future__ import annotations

import math

import numpy as np
import scipy

from experiments.stats.betting import Gambler, capital
from experiments.stats.exact import PRIOR
from experiments.stats.two_by_two import PRIOR as SAFE_PRIOR
from project.statistics_benchmark.blocks import EVERY, Blocks, Numbers, Truths, first_true
from project.statistics_benchmark.rules import rejects
from project.statistics_benchmark.worlds import World


def by_exact_bounds(world: World, blocks: Blocks) -> Numbers:
    """As `experiments.stats.exact.difference_p`: both arms together speak against every common rate."""
    n, ones = blocks.n.cumsum(axis=1), blocks.totals[..., 0].cumsum(axis=1)
    common = np.clip(ones.sum(axis=-1) / n.sum(axis=-1), 1e-12, 1 - 1e-12)
    return first_true(rejects(_mixture(ones, n, common[..., None]).sum(axis=-1)), blocks.exposed)


def _mixture(ones: Numbers, n: Numbers, rate: Numbers) -> Numbers:
    mixture = scipy.special.betaln(PRIOR + ones, PRIOR + n - ones) - scipy.special.betaln(PRIOR, PRIOR)
    return np.asarray(mixture - ones * np.log(rate) - (n - ones) * np.log1p(-rate))


def by_safe_test(world: World, blocks: Blocks) -> Numbers:
    """As `experiments.stats.two_by_two.SafeTest`, a block a look."""
    n, ones = blocks.n, blocks.totals[..., 0]
    before, good = n.cumsum(axis=1) - n, ones.cumsum(axis=1) - ones
    rates = (SAFE_PRIOR + good) / (2 * SAFE_PRIOR + before)
    common = (n * rates).sum(axis=-1) / n.sum(axis=-1)
    own = (scipy.special.xlogy(ones, rates) + scipy.special.xlog1py(n - ones, -rates)).sum(axis=-1)
    total = ones.sum(axis=-1)
    shared = scipy.special.xlogy(total, common) + scipy.special.xlog1py(n.sum(axis=-1) - total, -common)
    added = np.where(n.min(axis=-1) > 0, own - shared, 0.0)
    return first_true(rejects(added.cumsum(axis=1)), blocks.exposed)


def by_betting(world: World, blocks: Blocks) -> Numbers:
    """As `experiments.stats.betting.Gambler`, one user after the other."""
    outcomes, treated = _users(blocks)
    gain, loss, _, _ = capital(outcomes, treated, np.full(outcomes.shape, 0.5), start=Gambler())
    log_e = np.logaddexp(gain, loss)[:, EVERY - 1 :: EVERY] - math.log(2)
    return first_true(rejects(log_e), blocks.exposed)


def _users(blocks: Blocks) -> tuple[Numbers, Numbers]:
    """One user after the other; within a look in a random order, because the outcomes of a look have none."""
    streams, looks = blocks.n.shape[:2]
    treated = blocks.n[..., 1]
    good = blocks.totals[..., 0]
    place = np.random.default_rng(0).permuted(np.tile(np.arange(EVERY), (streams, looks, 1)), axis=2)
    arm: Truths = place < treated[..., None]
    # The first places of each arm have the good outcomes.
    from_start = np.where(arm, place, place - treated[..., None])
    outcome = from_start < np.where(arm, good[..., 1:], good[..., :1])
    return outcome.reshape(streams, -1).astype(float), arm.reshape(streams, -1).astype(float)
