"""Shares of traffic that move towards the better arms: for less regret, not for a better estimate (section 16).

The shares are computed, not drawn: they are the logged propensities, so that `scores` and `sequence` judge a bandit
like any other experiment, each update of the shares being a stratum. No arm ever gets less than the floor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy  # its parts load at their first use: every process of the product imports this module

Numbers = npt.NDArray[np.float64]

FLOOR = 0.05
POINTS = 801
REACH = 8.0


def probability_best(means: npt.ArrayLike, errors: npt.ArrayLike) -> Numbers:
    """The probability that each arm's mean is the highest, for independent normal beliefs; the last axis is the arms.

    Raises ValueError when an error is not positive.
    """
    centre, spread = np.asarray(means, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if (spread <= 0).any() or not (np.isfinite(centre).all() and np.isfinite(spread).all()):
        raise ValueError("beliefs need finite means and positive errors")
    steps = np.linspace(-REACH, REACH, POINTS)
    at = centre[..., None] + spread[..., None] * steps  # each arm's values, of which each has its density
    lower = scipy.special.log_ndtr((at[..., :, None, :] - centre[..., None, :, None]) / spread[..., None, :, None])
    arms = np.arange(centre.shape[-1])
    lower[..., arms, arms, :] = 0.0
    density = np.exp(-(steps**2) / 2 + lower.sum(axis=-2))
    best = density.sum(axis=-1)
    return np.asarray(best / best.sum(axis=-1, keepdims=True))


def thompson_shares(means: npt.ArrayLike, errors: npt.ArrayLike, *, floor: float = FLOOR) -> Numbers:
    """Thompson sampling (Thompson 1933): an arm's share is the probability that it is the best."""
    return with_floor(probability_best(means, errors), floor)


def top_two_shares(
    means: npt.ArrayLike, errors: npt.ArrayLike, *, floor: float = FLOOR, leader: float = 0.5
) -> Numbers:
    """Top-two Thompson sampling (Russo 2020): the best gets `leader`, the rest goes to its strongest rivals.

    It tells arms apart with fewer units than Thompson sampling, which starves all but one. For three arms and more: of
    two arms each is the only rival of the other, and both get one half.
    """
    best = probability_best(means, errors)
    others = best @ (1 - np.eye(best.shape[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.where(others > 0, best / others, 0.0)
    shares = best * (leader + (1 - leader) * (odds @ (1 - np.eye(best.shape[-1]))))
    return with_floor(shares / shares.sum(axis=-1, keepdims=True), floor)


def with_floor(shares: Numbers, floor: float) -> Numbers:
    """Every share at least `floor`, the rest in proportion. Raises ValueError when so many floors do not fit."""
    arms = shares.shape[-1]
    if not 0 < floor <= 1 / arms:
        raise ValueError(f"the floor lies above 0 and at most at {1 / arms:.3g} for {arms} arms")
    return np.asarray(floor + (1 - arms * floor) * shares)
