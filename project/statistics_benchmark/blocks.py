"""Simulated users, ten at a time: what is new at each look, and from it what an analysis sees. All streams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.stats.scores import Cells

Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

EVERY = 10


@dataclass(frozen=True)
class Blocks:
    """What each look (second axis) of each stream (first axis) adds in each arm (third axis, 0 is control).

    n: units. totals: sums of the columns (see `experiments.stats.sufficient`). products: sums of products of two
    columns. stratum: number of the stratum of each look. shares: propensity of each arm, (streams or 1, strata, arms).
    delay: how many users must have come after the last one that counts.
    """

    n: Numbers
    totals: Numbers
    products: Numbers
    stratum: npt.NDArray[np.intp]
    shares: Numbers
    delay: int = 0

    @property
    def exposed(self) -> Numbers:
        """Users of all arms exposed until each look."""
        return np.asarray(EVERY * np.arange(1, self.n.shape[1] + 1) + self.delay, dtype=np.float64)

    def cells(self, treatment: int = 1) -> Cells:
        """Control and one treatment at every look."""
        arms = [0, treatment]
        strata = self.shares.shape[1]
        n = self._until(self.n[..., arms], strata)
        totals, products = self._until(self.totals[:, :, arms], strata), self._until(self.products[:, :, arms], strata)
        means = totals / np.maximum(n, 1)[..., None]
        scatter = products - n[..., None, None] * means[..., :, None] * means[..., None, :]
        shares = self.shares[..., arms] / self.shares[..., arms].sum(axis=-1, keepdims=True)
        return Cells(n, means, scatter, np.broadcast_to(shares[:, None], n.shape))

    def _until(self, added: Numbers, strata: int) -> Numbers:
        """Running sums with an axis for the strata after the looks; a finished stratum keeps its sums."""
        if strata == 1:
            return added.cumsum(axis=1)[:, :, None]
        own = self.stratum[:, None] == np.arange(strata)
        own = own.reshape(1, *own.shape, *(1,) * (added.ndim - 2))
        return np.asarray((added[:, :, None] * own).cumsum(axis=1))


def of_units(
    arms: npt.NDArray[np.integer], columns: Sequence[Numbers], *, stratum: npt.NDArray[np.intp], shares: Numbers
) -> Blocks:
    """From one row a stream and one column a unit."""
    looks, count, width = arms.shape[1] // EVERY, shares.shape[-1], len(columns)
    n = np.zeros((len(arms), looks, count))
    totals, products = np.zeros((*n.shape, width)), np.zeros((*n.shape, width, width))

    def each_look(values: Numbers | Truths) -> Numbers:
        return np.asarray(values.reshape(len(arms), looks, EVERY).sum(axis=2), dtype=np.float64)

    for arm in range(count):
        mask = arms == arm
        n[..., arm] = each_look(mask)
        for row, column in enumerate(columns):
            own = column * mask
            totals[..., arm, row] = each_look(own)
            for other in range(row + 1):
                products[..., arm, row, other] = products[..., arm, other, row] = each_look(own * columns[other])
    return Blocks(n, totals, products, stratum, shares)


def of_rates(
    rng: np.random.Generator,
    rates: Numbers,
    streams: int,
    *,
    stratum: npt.NDArray[np.intp],
    shares: Numbers,
    delay: int = 0,
) -> Blocks:
    """Outcomes of 0 and 1 with these rates, (looks or 1, arms): what is seen at a look is drawn as a whole."""
    n = assign(rng, streams, shares[:, stratum])
    ones = rng.binomial(n, np.broadcast_to(rates, n.shape[1:])).astype(np.float64)
    return Blocks(n.astype(np.float64), ones[..., None], ones[..., None, None], stratum, shares, delay)


def assign(rng: np.random.Generator, streams: int, shares: Numbers) -> npt.NDArray[np.int64]:
    """How many of ten users meet each arm, for every look; shares (streams or 1, looks, arms)."""
    shares = np.broadcast_to(shares, (streams, *shares.shape[1:]))
    if shares.shape[-1] > 2:
        return rng.multinomial(EVERY, shares)
    treated = rng.binomial(EVERY, shares[..., 1])
    return np.stack([EVERY - treated, treated], axis=-1)


def first_true(found: Truths, at: Numbers) -> Numbers:
    """For each row the value of `at` at its first true; inf without one."""
    return np.where(found.any(axis=1), at[found.argmax(axis=1)], np.inf)
