"""What must be noticed: a split that is not the promised one, harm to a guardrail, a broken canary."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from experiments.stats.canary import ALARM_ALPHA as CANARY_ALPHA
from experiments.stats.sample_ratio import ALARM_ALPHA, PRIOR_STRENGTH
from experiments.stats.sequence import lower_half_widths, one_sided_tuning
from project.statistics_benchmark.blocks import Blocks, Numbers, first_true, of_rates
from project.statistics_benchmark.exact_rules import first_against
from project.statistics_benchmark.rules import ALPHA, estimates, ready
from project.statistics_benchmark.worlds import BASE, DIFFERENCE, HALVES, PLANNED, RARE, SEED, World, once

MARGIN, RARE_MARGIN = 0.05, 0.02
ERRORS, JUMP, CANARY_SHARE = 0.02, 10.0, 0.05


@dataclass(frozen=True)
class Guard:
    """How often it speaks when it must not, how often when it must, and after how many users or requests (median)."""

    name: str
    false_rate: float
    found: float
    median: float
    allowed: float


def _guard(name: str, wrong: Numbers, right: Numbers, allowed: float) -> Guard:
    found = np.isfinite(right)
    return Guard(name, float(np.isfinite(wrong).mean()), float(found.mean()), float(np.median(right)), allowed)


def sample_ratio_guard(streams: int, looks: int) -> Guard:
    """Promised 50/50, sent 55/45."""
    sound, broken = (_ratio_alarms(streams, looks, share) for share in (0.5, 0.55))
    return _guard("sample ratio 55/45 instead of 50/50", sound, broken, ALARM_ALPHA)


def _ratio_alarms(streams: int, looks: int, share: float) -> Numbers:
    rng = np.random.default_rng([SEED, 1, round(share * 1000)])
    counts = of_rates(
        rng, np.array([[0.5, 0.5]]), streams, stratum=once(looks), shares=np.array([[[1 - share, share]]])
    )
    n, prior = counts.n.cumsum(axis=1), PRIOR_STRENGTH / 2
    log_e = (scipy.special.gammaln(prior + n) - scipy.special.gammaln(prior) - n * math.log(0.5)).sum(axis=-1)
    total = n.sum(axis=-1)
    log_e -= scipy.special.gammaln(PRIOR_STRENGTH + total) - scipy.special.gammaln(PRIOR_STRENGTH)
    return first_true(log_e >= -math.log(ALARM_ALPHA), counts.exposed)


def non_inferiority_guard(streams: int, looks: int) -> Guard:
    """Wrong: a treatment that is worse by exactly the margin is called safe. Right: an equal one is."""
    worst, equal = (_one_sided(streams, looks, lift, upper=False) for lift in (-MARGIN, 0.0))
    return _guard("guardrail, proven safe (margin 5 points)", worst, equal, ALPHA)


def exact_guard(streams: int, looks: int) -> Guard:
    """The same of a rate of one percent with a margin of two points, by the bounds for rare rates."""
    worst, equal = (_rare(streams, looks, gap) for gap in (RARE_MARGIN, 0.0))
    return _guard("rare guardrail, proven safe (margin 2 points)", worst, equal, ALPHA)


def _rare(streams: int, looks: int, gap: float) -> Numbers:
    rng = np.random.default_rng([SEED, 4, round(gap * 1000)])
    blocks = of_rates(rng, np.array([[RARE, RARE + gap]]), streams, stratum=once(looks), shares=HALVES)
    n, ones = blocks.n.cumsum(axis=1), blocks.totals[..., 0].cumsum(axis=1)
    return first_true(first_against(n, ones, gap=RARE_MARGIN, alpha=ALPHA), blocks.exposed)


def deterioration_guard(streams: int, looks: int) -> Guard:
    """Wrong: an equal treatment is called worse. Right: one that is worse by ten points is."""
    equal, worse = (_one_sided(streams, looks, lift, upper=True) for lift in (0.0, -0.1))
    return _guard("harm of 10 points noticed", equal, worse, ALPHA)


def _one_sided(streams: int, looks: int, lift: float, *, upper: bool) -> Numbers:
    rng = np.random.default_rng([SEED, 2, round(-lift * 1000), upper])
    rates = np.array([[BASE, BASE + lift]])
    blocks = of_rates(rng, rates, streams, stratum=once(looks), shares=HALVES)
    return _bound_passed(DIFFERENCE, blocks, upper=upper)


def _bound_passed(world: World, blocks: Blocks, *, upper: bool) -> Numbers:
    cells = blocks.cells()
    means = estimates(cells)
    known = ready(cells, binary=world.binary) & (means.error > 0)
    units = np.maximum(cells.n.sum(axis=(-2, -1)), 1)
    half = lower_half_widths(means.error, units, rho2=one_sided_tuning(PLANNED, ALPHA), alpha=ALPHA)
    passed = means.difference + half < 0 if upper else means.difference - half > -MARGIN
    return first_true(known & passed, blocks.exposed)


def canary_guard(streams: int, events: int) -> Guard:
    """5 % of the traffic, 2 % errors; right: the canary has ten times as many. Counted in requests of all."""
    sound, broken = (_canary(streams, events, times) for times in (1.0, JUMP))
    return _guard("canary with 10 times the errors, in requests", sound, broken, CANARY_ALPHA)


def _canary(streams: int, events: int, times: float) -> Numbers:
    rng = np.random.default_rng([SEED, 3, round(times)])
    own, rest = CANARY_SHARE * ERRORS * times, (1 - CANARY_SHARE) * ERRORS
    canary = (rng.random((streams, events)) < own / (own + rest)).cumsum(axis=1)
    requests = rng.geometric(own + rest, (streams, events)).cumsum(axis=1)
    others = np.arange(1, events + 1) - canary
    share = CANARY_SHARE
    log_e = scipy.special.betaln(canary + 1, others + 1) + scipy.stats.beta.logsf(share, canary + 1, others + 1)
    log_e -= (canary * math.log(share)) + (others + 1) * math.log1p(-share)
    log_e = np.logaddexp(log_e, 0.0) - math.log(2)  # one step: see canary_log_e
    found = log_e >= -math.log(CANARY_ALPHA)
    first = requests[np.arange(streams), found.argmax(axis=1)].astype(float)
    return np.where(found.any(axis=1), first, np.inf)
