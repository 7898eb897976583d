"""The cloned action policy: multinomial logistic regression on state features, kept as plain numbers. Pure.

Behaviour cloning (Pomerleau, 1991). scikit-learn fits; what is kept is JSON, and the product predicts by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from learning.engines.behavior.episodes import Choice, State
from learning.engines.behavior.features import Features, features_of
from learning.engines.behavior.policies import Probabilities

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]

MOST_FEATURES = 2_000
LEAST_CASES = 2  # that have a feature, for it to count: what one person alone said is never kept
STRENGTH = 1.0  # inverse of the L2 penalty
DECIMALS = 3  # of a weight as it is kept
FORMAT = "linear-action-policy/1"


@dataclass(frozen=True, slots=True)
class LinearPolicy:
    """Softmax of linear scores. `weights`: one row for each action, one column for each feature."""

    actions: tuple[str, ...]
    features: tuple[str, ...]
    weights: Matrix
    _columns: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import numpy as np

        if self.weights.shape != (len(self.actions), len(self.features)):
            raise ValueError("An action policy needs one weight for each action and feature.")
        if not self.actions or not np.isfinite(self.weights).all():
            raise ValueError("An action policy needs actions and finite weights.")
        object.__setattr__(self, "_columns", {name: place for place, name in enumerate(self.features)})

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        """See Policy."""
        shares = softmax(self.matrix(states) @ self.weights.T)
        return [dict(zip(self.actions, map(float, row), strict=True)) for row in shares]

    def matrix(self, states: Sequence[State]) -> Any:
        """The states as rows of a sparse matrix."""
        return matrix_of([features_of(state) for state in states], self._columns)

    def as_json(self) -> dict[str, Any]:
        """As it is kept in an agent config: rounded weights, features without any left out."""
        import numpy as np

        rounded = np.round(self.weights, DECIMALS)
        used = np.flatnonzero(np.abs(rounded).max(axis=0) > 0)
        return {
            "format": FORMAT,
            "actions": list(self.actions),
            "features": [self.features[place] for place in used],
            "weights": rounded[:, used].tolist(),
        }

    def without(self, dropped: Collection[str]) -> LinearPolicy:
        """The same policy, blind to some features."""
        kept = [place for place, name in enumerate(self.features) if name not in dropped]
        return LinearPolicy(self.actions, tuple(self.features[place] for place in kept), self.weights[:, kept])

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LinearPolicy:
        """Read a kept policy. Raises ValueError when it is none."""
        import numpy as np

        if value.get("format") != FORMAT:
            raise ValueError(f"This is not an action policy of the format {FORMAT}.")
        try:
            weights = np.array(value["weights"], dtype=np.float64).reshape(
                len(value["actions"]), len(value["features"])
            )
            return cls(tuple(value["actions"]), tuple(value["features"]), weights)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This action policy cannot be read: {error}") from error


def clone(choices: Sequence[Choice], weights: Sequence[float] | None = None) -> LinearPolicy:
    """The policy that does what was done in these choices. `weights`: how much each counts; None: all the same.

    Raises ValueError when there is nothing to tell apart.
    """
    import numpy as np

    names = sorted({choice.action.name for choice in choices})
    if len(names) < 2:
        raise ValueError("An action policy needs at least two different actions.")
    vectors = [features_of(choice.state) for choice in choices]
    features = frequent_features(vectors, [choice.case for choice in choices])
    rows = matrix_of(vectors, {name: place for place, name in enumerate(features)})
    labels = np.array([names.index(choice.action.name) for choice in choices])
    return LinearPolicy(tuple(names), tuple(features), _fit(rows, labels, len(names), weights))


def frequent_features(vectors: Sequence[Features], cases: Sequence[str]) -> list[str]:
    """The features that several cases share, at most MOST_FEATURES, the most frequent ones."""
    counts = Counter(name for vector in vectors for name in vector)
    seen = {(name, case) for vector, case in zip(vectors, cases, strict=True) for name in vector}
    sharing = Counter(name for name, _ in seen)
    often = [name for name in counts if sharing[name] >= min(LEAST_CASES, len(set(cases)))]
    return sorted(sorted(often, key=lambda name: (-counts[name], name))[:MOST_FEATURES])


def matrix_of(vectors: Sequence[Features], columns: Mapping[str, int]) -> Any:
    """Sparse rows; unknown features are left out."""
    from scipy import sparse

    places = [[columns[name] for name in vector if name in columns] for vector in vectors]
    values = [value for vector in vectors for name, value in vector.items() if name in columns]
    ends = [0]
    for row in places:
        ends.append(ends[-1] + len(row))
    flat = [place for row in places for place in row]
    return sparse.csr_matrix((values, flat, ends), shape=(len(vectors), len(columns)), dtype=float)


def softmax(scores: Matrix) -> Matrix:
    """Row by row, without overflow."""
    import numpy as np

    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _fit(rows: Any, labels: Any, classes: int, weights: Sequence[float] | None) -> Matrix:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # The bias is a feature of its own, so that a client needs one sum only.
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=300, tol=1e-3)
    # One thread: so small products only wait for each other (measured: 1.7 s, and 25 s with two threads under load).
    with threadpool_limits(1):
        model.fit(rows, labels, sample_weight=None if weights is None else np.asarray(weights))
    found: Matrix = np.asarray(model.coef_, dtype=np.float64)
    # Of two classes there is one row: the odds of the second.
    return np.vstack([-found / 2, found / 2]) if classes == 2 else found


def log_loss(policy: LinearPolicy, choices: Sequence[Choice]) -> float:
    """Mean negative log-likelihood of what was done, in nats; an action it does not know counts as 1e-6."""
    answers = policy.probabilities([choice.state for choice in choices])
    shares = [max(1e-6, one.get(choice.action.name, 0.0)) for one, choice in zip(answers, choices, strict=True)]
    return -sum(map(math.log, shares)) / len(shares)
