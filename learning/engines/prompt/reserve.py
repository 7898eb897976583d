"""How many test examples a gain needs to be proven, as far as the validation examples tell. Pure.

The calls kept back for the confirmation are lost to the search, so no more are kept than the proof is likely to need:
few for a large gain, more for a small one. How many are asked may depend on anything seen before the test split is
opened; the test is exact for any number that was fixed before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from learning.engines.prompt.racing import Race

POWER = 0.95
CAUTION = 0.674  # standard deviations: the lower quartile of the belief about the gain
LEAST_GAIN = 0.01
LEAST_LOSS = 0.02


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept back. `asked`: how many prompts each test example is asked of.

    `planned` test examples while nothing promises a gain; at least `fewest`; `most` for a gain that is hard to show.
    """

    asked: int
    fewest: int
    planned: int
    most: int
    confidence: float

    def answers(self, race: Race) -> int:
        """How many answers the confirmation is likely to need as things stand."""
        gained, lost = likely_changes(race)
        if gained - lost < LEAST_GAIN:
            return self.asked * self.planned
        return self.asked * pairs_needed(gained, lost, self.fewest, self.most, self.confidence)


def likely_changes(race: Race) -> tuple[float, float]:
    """The shares (0-1, in steps of 0.01) of questions that the leader answers better and worse than the first prompt.

    The gain is the lower quartile of what is believed, which draws back what leads by luck.
    """
    beliefs = race.beliefs()
    leader = race.leader(beliefs)
    ours, first = race.runners[leader].scores, race.runners[0].scores
    losses = [max(0.0, before - after) for before, after in zip(first, ours, strict=False)]
    # Nothing is lost where the first prompt is never right; half a loss more than was seen stands for those to come.
    lost = min((sum(losses) + 0.5) / (len(losses) + 1), max(LEAST_LOSS, beliefs.mean[0]))
    gain = beliefs.mean[leader] - beliefs.mean[0] - CAUTION * beliefs.spread_between(leader, 0)
    return min(1 - round(lost, 2), round(gain + lost, 2)), round(lost, 2)


@lru_cache(maxsize=4096)
def pairs_needed(gained: float, lost: float, fewest: int, most: int, confidence: float) -> int:
    """The fewest pairs, in steps of a tenth, with which the exact McNemar test finds the gain with a chance of POWER.

    `gained` and `lost`: the shares (0-1) of the examples that get better and worse. `most` where no number suffices.
    """
    pairs = fewest
    while pairs < most and power(pairs, gained, lost, confidence) < POWER:
        pairs += max(1, pairs // 10)
    return min(pairs, most)


def power(pairs: int, gained: float, lost: float, confidence: float) -> float:
    """The chance (0-1) that the two-sided exact McNemar test calls so many pairs a gain."""
    differ = gained + lost
    if differ <= 0:
        return 0.0
    return sum(
        _chance(count, pairs, min(1.0, differ)) * _at_least(_critical(count, confidence), count, gained / differ)
        for count in range(pairs + 1)
    )


@lru_cache(maxsize=4096)
def _critical(differ: int, confidence: float) -> int:
    """How many of the pairs that differ must be gains."""
    tail, wanted = 0.0, differ + 1
    while wanted > 0 and tail + _chance(wanted - 1, differ, 0.5) <= (1 - confidence) / 2:
        wanted -= 1
        tail += _chance(wanted, differ, 0.5)
    return wanted


def _at_least(wanted: int, of: int, share: float) -> float:
    return sum(_chance(count, of, share) for count in range(wanted, of + 1))


def _chance(count: int, of: int, share: float) -> float:
    """Of the binomial distribution."""
    if not 0 <= count <= of:
        return 0.0
    return math.comb(of, count) * share**count * (1 - share) ** (of - count)
