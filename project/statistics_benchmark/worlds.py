"""The experiments that are simulated. In each, `lift` is how much better treatment really is, as a share (0.05: +5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.stats.bandit import thompson_shares
from experiments.stats.planning import units_for_proportions
from experiments.stats.winsor import upper_limit
from project.statistics_benchmark.blocks import EVERY, Blocks, assign, of_rates, of_units

BASE = 0.7
RARE = 0.01
SPREAD = 0.46  # that of one user's outcome at a rate of 0.7
PLANNED = units_for_proportions(BASE, 0.05)  # for every row and every lift: nobody knows the lift beforehand
HALVES = np.array([[[0.5, 0.5]]])
WINDOW = 200  # users who come while the last one's rating may still arrive
UPDATES = 10  # of a bandit's shares, within the plan; then they stay
SEED = 20_260_801

Draw = Callable[[np.random.Generator, int, int, float], Blocks]


@dataclass(frozen=True)
class World:
    """name; how streams are drawn (rng, streams, looks, lift); what an analysis must know.

    `lifts`: whether lifts in points make sense. `weight`: of a look in memory, beside the plainest world's.
    """

    name: str
    draw: Draw
    binary: bool = True
    ratio: bool = False
    treatments: int = 1
    lifts: bool = True
    weight: int = 1


def once(looks: int) -> npt.NDArray[np.intp]:
    return np.zeros(looks, dtype=np.intp)


def difference(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    return of_rates(rng, np.array([[BASE, BASE + lift]]), streams, stratum=once(looks), shares=HALVES)


def covariate(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """A user's mean rating, and that of the time before, correlated at 0.6."""
    arms = rng.integers(0, 2, (streams, looks * EVERY), dtype=np.int8)
    before = rng.standard_normal(arms.shape)
    own = 0.6 * before + 0.8 * rng.standard_normal(arms.shape)
    return of_units(arms, [BASE + lift * arms + SPREAD * own, before], stratum=once(looks), shares=HALVES)


def ratio(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Solved tasks per task; users have one to many tasks and differ in how often theirs are solved."""
    arms = rng.integers(0, 2, (streams, looks * EVERY), dtype=np.int8)
    tasks = 1 + rng.poisson(2.0, arms.shape)
    rate = BASE + lift * arms + rng.uniform(-0.2, 0.2, arms.shape)
    solved = rng.binomial(tasks, np.minimum(rate, 1.0))
    return of_units(arms, [solved.astype(float), tasks.astype(float)], stratum=once(looks), shares=HALVES)


def long_tail(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Latencies, lognormal; the top one percent of the time before is cut."""
    arms = rng.integers(0, 2, (streams, looks * EVERY), dtype=np.int8)
    limit = upper_limit(rng.lognormal(0.0, 1.0, 20_000), share=0.01)
    values = np.minimum(rng.lognormal(0.0, 1.0, arms.shape), limit)
    return of_units(arms, [values], stratum=once(looks), shares=HALVES)


def ramp(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """10, 25, then 50 % treated, while the base rate falls from 0.8 to 0.6 within the plan."""
    at = EVERY * np.arange(looks) / PLANNED
    stratum = np.searchsorted([0.2, 0.5], at, side="right")
    base = (0.8 - 0.2 * np.minimum(at, 1.0))[:, None]
    shares = np.array([[[0.9, 0.1], [0.75, 0.25], [0.5, 0.5]]])
    return of_rates(rng, base + np.array([[0.0, lift]]), streams, stratum=stratum, shares=shares)


def bandit(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Thompson sampling, at least 10 % an arm; the base rate falls from 0.75 to 0.65 meanwhile."""
    at = EVERY * np.arange(looks) / PLANNED
    stratum = np.minimum((at * UPDATES).astype(np.intp), UPDATES - 1)
    rates = (0.75 - 0.1 * np.minimum(at, 1.0))[:, None] + np.array([[0.0, lift]])
    shares = np.full((streams, UPDATES, 2), 0.5)
    n, ones = np.zeros((streams, looks, 2)), np.zeros((streams, looks, 2))
    for update in range(stratum[-1] + 1):
        own = np.flatnonzero(stratum == update)
        if update:
            units, good = n.sum(axis=1), ones.sum(axis=1)
            mean = (good + 1) / (units + 2)
            shares[:, update] = thompson_shares(mean, np.sqrt(mean * (1 - mean) / (units + 3)), floor=0.1)
        n[:, own] = assign(rng, streams, np.repeat(shares[:, update : update + 1], own.size, axis=1))
        ones[:, own] = rng.binomial(n[:, own].astype(int), rates[own])
    return Blocks(n, ones[..., None], ones[..., None, None], stratum, shares)


def delayed(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Every user counts once, when the window for the rating is over; who rates when plays no part any more."""
    rates = np.array([[BASE, BASE + lift]])
    return of_rates(rng, rates, streams, stratum=once(looks), shares=HALVES, delay=WINDOW)


def delayed_too_early(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Every user counts at once, as unrated until the rating is there; treatment's users take longer to rate."""
    units = looks * EVERY
    arms = rng.integers(0, 2, (streams, units), dtype=np.int8)
    good = rng.random(arms.shape) < BASE + lift * arms
    wait = rng.exponential(np.where(arms == 1, 60.0, 30.0))
    there = np.minimum(np.arange(units) + wait, units).astype(np.intp) // EVERY
    n, ones = np.zeros((streams, looks, 2)), np.zeros((streams, looks, 2))
    for arm in (0, 1):
        n[..., arm] = (arms == arm).reshape(streams, looks, EVERY).sum(axis=2)
        stream, unit = np.nonzero((arms == arm) & good & (there < looks))
        np.add.at(ones[..., arm], (stream, there[stream, unit]), 1.0)
    return Blocks(n, ones[..., None], ones[..., None, None], once(looks), HALVES)


def rare(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Reports: one user in a hundred."""
    return of_rates(rng, np.array([[RARE, RARE + lift]]), streams, stratum=once(looks), shares=HALVES)


def three_arms(rng: np.random.Generator, streams: int, looks: int, lift: float) -> Blocks:
    """Two treatments, of which the first is better."""
    shares = np.full((1, 1, 3), 1 / 3)
    return of_rates(rng, np.array([[BASE, BASE + lift, BASE]]), streams, stratum=once(looks), shares=shares)


DIFFERENCE = World("difference", difference)
TOO_EARLY = World("delayed ratings, unrated as 0 until then", delayed_too_early, lifts=False)
REPORTS = World("reports", rare)
WORLDS = (
    DIFFERENCE,
    World("CUPED (correlation 0.6)", covariate, binary=False, weight=4),
    World("ratio of two sums", ratio, binary=False, ratio=True, weight=6),
    World("long tail, winsorised", long_tail, binary=False, lifts=False),
    World("ramp 10-25-50 % with drift", ramp, weight=3),
    World("bandit with drift", bandit, weight=UPDATES),
    World("delayed ratings", delayed),
    World("three arms, Holm", three_arms, treatments=2, weight=2),
)
