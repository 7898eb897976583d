"""Fixed-seed streams: how often the procedures are wrong, and how often they find what is there.

Each stream sends 2,000 users in random order to two arms and is looked at after every 10 users.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.stats.exact import log_evidence, rate_bounds
from experiments.stats.moments import ProportionCounts, SampleMoments
from experiments.stats.planning import units_for_proportions, units_when_peeking
from experiments.stats.sample_ratio import ALARM_ALPHA, sample_ratio
from experiments.stats.sequence import (
    MINIMUM_UNITS,
    MINIMUM_UNLIKE,
    Difference,
    always_valid_p,
    difference_in_means,
    half_widths,
    log_e_values,
    lower_half_widths,
    tuning,
)

STREAMS, UNITS, EVERY, ALPHA = 2000, 2000, 10, 0.05
BOUND = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / STREAMS)


def until_each_look(values):
    """Sums of each row from its beginning to each look."""
    return values.reshape(len(values), -1, EVERY).sum(axis=2).cumsum(axis=1)


class Looks:
    """Estimate, error and units of every stream (rows) at every look (columns), and where inference may start."""

    def __init__(self, outcomes, arms, *, binary):
        sums = [self._sums(outcomes, mask) for mask in (~arms, arms)]
        (n0, mean0, var0, rare0), (n1, mean1, var1, rare1) = sums
        self.estimate = mean1 - mean0
        self.error = np.sqrt(var0 / n0 + var1 / n1)
        self.units = n0 + n1
        self.ready = (np.minimum(n0, n1) >= MINIMUM_UNITS) & (self.error > 0)
        if binary:
            self.ready &= np.minimum(rare0, rare1) >= MINIMUM_UNLIKE

    @staticmethod
    def _sums(outcomes, mask):
        own = outcomes * mask
        n = until_each_look(mask).clip(2)
        total, squares = until_each_look(own), until_each_look(own**2)
        mean = total / n
        return n, mean, (squares - n * mean**2).clip(0) / (n - 1), np.minimum(total, n - total)

    def rejected(self, planned=UNITS):
        """Streams whose confidence sequence ever left zero."""
        half = half_widths(self.error, self.units, rho2=tuning(planned, ALPHA), alpha=ALPHA)
        return (self.ready & (np.abs(self.estimate) > half)).any(axis=1)


def streams(seed, *, control=0.7, lift=0.0, share=0.5, normal=False):
    rng = np.random.default_rng(seed)
    arms = rng.random((STREAMS, UNITS)) < share
    if normal:
        return Looks(rng.lognormal(0, 1, (STREAMS, UNITS)) + lift * arms, arms, binary=False)
    return Looks((rng.random((STREAMS, UNITS)) < control + lift * arms).astype(float), arms, binary=True)


@pytest.mark.parametrize(
    "options",
    [{"control": 0.7}, {"control": 0.5}, {"control": 0.95}, {"control": 0.7, "share": 0.2}, {"normal": True}],
    ids=str,
)
def test_peeking_at_two_equal_arms_is_wrong_at_most_at_alpha(options):
    looks = streams(11, **options)
    assert looks.rejected().mean() <= BOUND
    if options == {"control": 0.7}:  # what the usual test does under the same eyes
        peeked = (looks.ready & (np.abs(looks.estimate) > 1.96 * looks.error)).any(axis=1).mean()
        assert peeked > 0.25


def test_a_wrong_guess_of_the_planned_units_keeps_alpha():
    looks = streams(12)
    assert looks.rejected(planned=200).mean() <= BOUND
    assert looks.rejected(planned=20_000).mean() <= BOUND


def test_one_sided_bounds_are_wrong_at_most_at_alpha():
    looks = streams(13)
    half = lower_half_widths(looks.error, looks.units, rho2=tuning(UNITS, 2 * ALPHA), alpha=ALPHA)
    assert (looks.ready & (looks.estimate - half > 0)).any(axis=1).mean() <= BOUND


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.4])
def test_exact_bounds_of_a_rare_rate_are_wrong_at_most_at_alpha(rate):
    rng = np.random.default_rng(21)
    counts = (rng.random((400, UNITS)) < rate).cumsum(axis=1)[:, 99::100]
    missed = 0
    for row in counts:
        looks = [ProportionCounts(100 * look, int(found)).moments() for look, found in enumerate(row, start=1)]
        strongest = max(looks, key=lambda sample: log_evidence(sample, rate))
        out = log_evidence(strongest, rate) > -math.log(ALPHA)
        bounds = rate_bounds(strongest, alpha=ALPHA)
        assert out != (bounds.low <= rate <= bounds.high)
        missed += out
    assert missed / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


def test_the_stored_p_value_and_the_sequence_reject_the_same_streams():
    looks = streams(14, lift=0.05)
    log_e = log_e_values(
        looks.estimate, np.where(looks.error > 0, looks.error, 1), looks.units, rho2=tuning(UNITS, ALPHA)
    )
    by_p = (looks.ready & (np.exp(-log_e) < ALPHA)).any(axis=1)
    assert (by_p == looks.rejected()).all()
    row = int(np.flatnonzero(by_p)[0])
    p = 1.0
    for estimate, error, units, ready in zip(
        looks.estimate[row], looks.error[row], looks.units[row], looks.ready[row], strict=True
    ):
        if ready:
            p = always_valid_p(Difference(estimate, error, int(units)), planned_units=UNITS, alpha=ALPHA, previous=p)
    assert p < ALPHA


def test_a_plan_for_peeking_has_the_power_it_promises():
    planned = units_when_peeking(units_for_proportions(0.7, 0.1))
    assert planned == pytest.approx(1.68 * 581, rel=0.01)
    looks = streams(15, lift=0.1)
    half = half_widths(looks.error, looks.units, rho2=tuning(planned, ALPHA), alpha=ALPHA)
    found = looks.ready & (np.abs(looks.estimate) > half)
    assert found[:, : planned // EVERY].any(axis=1).mean() == pytest.approx(0.8, abs=0.03)
    first = np.where(found.any(axis=1), (found.argmax(axis=1) + 1) * EVERY, np.inf)
    assert np.median(first) < 700  # half of the time far earlier than planned


def test_looks_are_the_same_numbers_as_the_records():
    looks = streams(17)
    rng = np.random.default_rng(17)
    arms = rng.random((STREAMS, UNITS)) < 0.5
    outcomes = (rng.random((STREAMS, UNITS)) < 0.7).astype(float)
    seen, mask = outcomes[5, :1200], arms[5, :1200]
    difference = difference_in_means(SampleMoments.of(seen[~mask]), SampleMoments.of(seen[mask]))
    column = 1200 // EVERY - 1
    assert looks.estimate[5, column] == pytest.approx(difference.estimate, abs=1e-12)
    assert looks.error[5, column] == pytest.approx(difference.standard_error, rel=1e-9)


def sample_ratio_alarms(seed, share, count=300):
    rng = np.random.default_rng(seed)
    found = 0
    for treated in (rng.random((count, UNITS)) < share).cumsum(axis=1)[:, 49::50]:
        highest = 0.0
        for look, total in enumerate(treated, start=1):
            highest = sample_ratio([50 * look - int(total), int(total)], [0.5, 0.5], highest=highest).log_e
        found += highest >= -math.log(ALARM_ALPHA)
    return found / count


def test_a_sound_split_hardly_ever_raises_the_alarm_and_a_broken_one_does():
    assert sample_ratio_alarms(18, 0.5) <= 2 / 300
    assert sample_ratio_alarms(19, 0.58, count=100) > 0.9
