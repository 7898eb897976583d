"""When each procedure says that the arms differ, at every look: ours, and those that it is compared with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy

from experiments.stats.scores import Cells, Means, arm_means, ratio_means
from experiments.stats.sequence import MINIMUM_UNITS, MINIMUM_UNLIKE, log_e_values, tuning
from project.statistics_benchmark.blocks import Numbers, Truths

ALPHA = 0.05


def estimates(cells: Cells, *, ratio: bool = False) -> Means:
    return ratio_means(cells) if ratio else arm_means(cells)


def ready(cells: Cells, *, binary: bool) -> Truths:
    """Where inference may start: 30 units in each arm, and ten of each outcome where there are only two."""
    n = cells.n.sum(axis=-2)
    enough = n.min(axis=-1) >= MINIMUM_UNITS
    if binary:
        ones = (cells.n * cells.means[..., 0]).sum(axis=-2)
        enough &= np.minimum(ones, n - ones).min(axis=-1) >= MINIMUM_UNLIKE - 1e-6
    return np.asarray(enough)


def log_evidence(means: Means, cells: Cells, may: Truths, *, planned: float) -> Numbers:
    """Of the confidence sequence, two-sided; 0 where inference may not start."""
    units = cells.n.sum(axis=(-2, -1))
    known = may & (means.error > 0)
    error = np.where(known, means.error, 1.0)
    found = log_e_values(means.difference, error, np.maximum(units, 1), rho2=tuning(planned, ALPHA))
    return np.where(known, found, 0.0)


def peeked_t(means: Means, cells: Cells) -> Truths:
    """Welch's test at every look, stop at p < 0.05."""
    n = cells.n.sum(axis=-2)
    degrees = np.maximum(n.sum(axis=-1) - 2, 1)
    limit = scipy.stats.t.isf(ALPHA / 2, degrees)
    return np.asarray((n.min(axis=-1) >= 2) & (means.error > 0) & (np.abs(means.difference) > limit * means.error))


def bayes(cells: Cells) -> Truths:
    """Two beta posteriors from flat priors, stop when one arm is the better with a probability of 95 %.

    Their difference taken as normal, as such dashboards do.
    """
    n = cells.n.sum(axis=-2)
    ones = (cells.n * cells.means[..., 0]).sum(axis=-2)
    mean = (ones + 1) / (n + 2)
    variance = (mean * (1 - mean) / (n + 3)).sum(axis=-1)
    z = np.abs(mean[..., 1] - mean[..., 0]) / np.sqrt(variance)
    return np.asarray((n.min(axis=-1) >= 1) & (scipy.special.ndtr(z) > 0.95))


def msprt(means: Means, cells: Cells, may: Truths) -> Truths:
    """The mSPRT with the mixing variance of Statsig's documentation: tau = z^2 (s_t^2 + s_c^2) / (N_t + N_c).

    Significant when |z| > sqrt((V + tau) / tau * (-2 ln(alpha / 2) - ln(V / (V + tau)))).
    """
    n = np.maximum(cells.n.sum(axis=-2), 1)
    own = np.stack([means.covariance[..., 0, 0], means.covariance[..., 1, 1]], axis=-1)
    v = np.where(may, own.sum(axis=-1), 1.0)
    tau = scipy.special.ndtri(1 - ALPHA / 2) ** 2 * (own * n).sum(axis=-1) / n.sum(axis=-1)
    tau = np.where(may & (tau > 0), tau, 1.0)
    limit = (v + tau) / tau * (-2 * math.log(ALPHA / 2) - np.log(v / (v + tau)))
    return np.asarray(may & (means.error > 0) & (means.difference**2 > limit * v))


def rejects(evidence: npt.ArrayLike, alpha: float = ALPHA) -> Truths:
    """Where log evidence is a rejection at alpha."""
    return np.asarray(evidence) >= -math.log(alpha)
