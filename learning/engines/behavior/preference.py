"""Learning from corrections: in this state the corrected action is better than the original one. Pure.

The odds of the corrected action against the original one are those of a softmax policy with linear scores: a Bradley-
Terry model (1952) of the scores' difference, since the partition function cancels as in direct preference optimization
(Rafailov et al., 2023). Their likelihood is raised while an L2 penalty on what is changed holds the policy near the
cloned one, so that a preference that it shares already changes next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.behavior.cloning import LinearPolicy
from learning.engines.behavior.corrections import Preference
from learning.engines.behavior.episodes import State

PENALTY = 0.05  # for each unit of squared change, per preference
FEWEST = 5  # preferences


@dataclass(frozen=True, slots=True)
class PreferenceScore:
    """How many preferences a policy agrees with: the corrected action likelier than the original one."""

    agreed: int
    n: int


def prefer(reference: LinearPolicy, preferences: Sequence[Preference]) -> LinearPolicy:
    """The policy nearest to the reference that agrees with the preferences.

    Raises ValueError when there are fewer than FEWEST between two actions that the policy knows.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit

    known = [one for one in preferences if {one.chosen, one.rejected} <= set(reference.actions)]
    if len(known) < FEWEST:
        raise ValueError(f"{len(known)} preferences between known actions; at least {FEWEST} are needed.")
    rows = reference.matrix([one.state for one in known])
    signs = np.zeros((len(known), len(reference.actions)))
    for place, one in enumerate(known):
        signs[place, reference.actions.index(one.chosen)] += 1
        signs[place, reference.actions.index(one.rejected)] -= 1
    shape, scale = reference.weights.shape, PENALTY * len(known)

    def loss(flat: np.typing.NDArray[np.float64]) -> tuple[float, np.typing.NDArray[np.float64]]:
        change = flat.reshape(shape)
        margins = ((rows @ (reference.weights + change).T) * signs).sum(axis=1)
        value = float(np.logaddexp(0, -margins).sum() + scale / 2 * (flat @ flat))
        pull = -expit(-margins)[:, None] * signs
        return value, np.asarray((rows.T @ pull).T + scale * change).ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return LinearPolicy(reference.actions, reference.features, reference.weights + found.x.reshape(shape))


def score(policy: LinearPolicy, preferences: Sequence[Preference]) -> PreferenceScore:
    """How many of the preferences the policy shares; an action it does not know is the less likely one."""
    states: list[State] = [one.state for one in preferences]
    answers = policy.probabilities(states) if states else []
    agreed = sum(
        answer.get(one.chosen, 0.0) > answer.get(one.rejected, 0.0)
        for answer, one in zip(answers, preferences, strict=True)
    )
    return PreferenceScore(agreed, len(preferences))
