"""Learning from logged rewards, and saying from the same kind of logs what a policy would have earned. Pure.

The policy gradient on logged episodes: each choice is pushed by its episode's advantage (the reward less that of the
others of the same case, or of all), times the ratio of new to logged probability, clipped so that a step is never moved
far from what was logged (the clipped surrogate: Schulman et al., 2017). The logged probabilities are estimated by
cloning.

The off-policy estimate is the self-normalised importance-sampling mean of the rewards (Precup, Sutton and Singh, 2000;
Swaminathan and Joachims, 2015), with each episode's weight clipped (Ionides, 2008) and an interval from drawing whole
cases. With a small effective sample size it is not worth reading, and says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.engines.behavior.cloning import LinearPolicy, softmax
from learning.engines.behavior.episodes import Choice, Episode, choices_of
from learning.engines.behavior.policies import Policy

CLIP = 0.2  # how far a ratio may lie from 1 while it is pushed
PENALTY = 1e-3
STEPS = 60
RATE = 0.5
MOST_WEIGHT = 10.0  # of one episode
LEAST_EFFECTIVE = 10.0
DRAWS = 2_000
LEAST_PROBABILITY = 0.01  # a logged action is never believed to have been rarer


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """The mean reward that a policy would have earned, estimated; `logged`: what was earned.

    `effective`: how many episodes the weights amount to (Kish). `reason`: why the estimate is not worth reading.
    """

    value: float
    low: float
    high: float
    logged: float
    n: int
    cases: int
    effective: float
    clipped: int
    reason: str = ""

    @property
    def is_gain(self) -> bool:
        return not self.reason and self.low > self.logged

    def as_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "logged": self.logged,
            "n": self.n,
            "cases": self.cases,
            "effective_sample_size": self.effective,
            "clipped": self.clipped,
            "reason": self.reason,
        }


def advantages(episodes: Sequence[Episode]) -> dict[str, float]:
    """By episode: its reward less the mean of the others of its case; of a case alone, less the mean of all."""
    known = {episode.key: episode.reward for episode in episodes if episode.reward is not None}
    if not known:
        raise ValueError("No episode has a reward.")
    mean = math.fsum(known.values()) / len(known)
    cases: defaultdict[str, list[str]] = defaultdict(list)
    for episode in episodes:
        if episode.key in known:
            cases[episode.case].append(episode.key)
    found = {}
    for keys in cases.values():
        total = math.fsum(known[key] for key in keys)
        for key in keys:
            base = (total - known[key]) / (len(keys) - 1) if len(keys) > 1 else mean
            found[key] = known[key] - base
    return found


def reinforce(logged: LinearPolicy, episodes: Sequence[Episode]) -> LinearPolicy:
    """The logged policy moved towards what earned more. Raises ValueError when all rewards are the same."""
    import numpy as np

    worth = advantages(episodes)
    if not any(worth.values()):
        raise ValueError("All rewards are the same, so there is nothing to learn from them.")
    choices = [one for one in choices_of([e for e in episodes if e.key in worth]) if one.action.name in logged.actions]
    rows = logged.matrix([choice.state for choice in choices])
    taken = np.array([logged.actions.index(choice.action.name) for choice in choices])
    advantage = np.array([worth[choice.episode] for choice in choices])
    advantage /= max(float(np.abs(advantage).mean()), 1e-9)
    every = np.arange(len(choices))
    before = np.maximum(softmax(rows @ logged.weights.T)[every, taken], LEAST_PROBABILITY)
    change = np.zeros_like(logged.weights)
    for _ in range(STEPS):
        shares = softmax(rows @ (logged.weights + change).T)
        ratio = shares[every, taken] / before
        # Past the clip the surrogate is flat: nothing pulls any further.
        pushed = np.where(advantage > 0, ratio < 1 + CLIP, ratio > 1 - CLIP) * advantage * ratio
        pull = -shares * pushed[:, None]
        pull[every, taken] += pushed
        change += RATE * (np.asarray((rows.T @ pull).T) / len(choices) * len(logged.actions) - PENALTY * change)
    return LinearPolicy(logged.actions, logged.features, logged.weights + change)


def off_policy(
    policy: Policy, logged: Policy, episodes: Sequence[Episode], *, confidence: float = 0.95, seed: int = 1
) -> OffPolicy:
    """What a policy would have earned on episodes that neither policy learned from. Raises ValueError without rewards.

    `logged`: an estimate of the policy that made the log.
    """
    import numpy as np

    known = [episode for episode in episodes if episode.reward is not None]
    if not known:
        raise ValueError("No episode has a reward.")
    raw = _weights(policy, logged, known)
    weights = np.minimum(raw, MOST_WEIGHT)
    rewards = np.array([float(episode.reward or 0) for episode in known])
    groups = _by_case(known)
    sums = np.array([[(weights * rewards)[rows].sum(), weights[rows].sum()] for rows in groups.values()])
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    drawn = sums[np.random.default_rng(seed).integers(len(sums), size=(DRAWS, len(sums)))].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12), (tail, 1 - tail))
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    reason = "" if effective >= LEAST_EFFECTIVE and len(groups) >= 5 else (
        f"The weights amount to {effective:.1f} episodes of {len(groups)} cases: too few for an estimate."
    )  # fmt: skip
    clipped = int((raw > MOST_WEIGHT).sum())
    return OffPolicy(
        value, min(float(low), value), max(float(high), value), float(rewards.mean()), len(known), len(groups),
        effective, clipped, reason,
    )  # fmt: skip


def _weights(policy: Policy, logged: Policy, episodes: Sequence[Episode]) -> Any:
    """By episode: the product of new over logged probabilities of its actions."""
    import numpy as np

    choices = choices_of(episodes)
    states = [choice.state for choice in choices]
    ratios: defaultdict[str, float] = defaultdict(float)
    for choice, new, old in zip(choices, policy.probabilities(states), logged.probabilities(states), strict=True):
        ratios[choice.episode] += _log_ratio(choice, new, old)
    return np.exp(np.minimum([ratios[episode.key] for episode in episodes], 50.0))


def _log_ratio(choice: Choice, new: Mapping[str, float], old: Mapping[str, float]) -> float:
    name = choice.action.name
    return math.log(max(new.get(name, 0.0), 1e-9)) - math.log(max(old.get(name, 0.0), LEAST_PROBABILITY))


def _by_case(episodes: Sequence[Episode]) -> dict[str, list[int]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for place, episode in enumerate(episodes):
        groups[episode.case].append(place)
    return dict(groups)
