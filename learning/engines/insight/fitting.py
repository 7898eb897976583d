"""The two kinds of quality model, ridge regression and gradient boosting, fitted and turned into numbers. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from learning.engines.insight.saved import SavedModel

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats

CHECKED_ROWS = 50


@dataclass(frozen=True)
class Fitted:
    """A model and what it predicts for rows of features."""

    saved: SavedModel
    predict: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to fit. strength: the ridge penalty, or the number of trees."""

    kind: str
    strength: float

    def fit(self, table: Floats, said: Floats, names: tuple[str, ...], seed: int) -> Fitted:
        """Raises ValueError when what was fitted cannot be turned into numbers that predict the same."""
        if self.kind == "ridge":
            return _ridge(table, said, names, self.strength)
        return _boosting(table, said, names, int(self.strength), seed)


CANDIDATES = (
    Candidate("ridge", 3.0), Candidate("ridge", 30.0), Candidate("ridge", 300.0),
    Candidate("boosting", 25), Candidate("boosting", 75),
)  # fmt: skip


def _usual(table: Floats) -> tuple[Floats, Floats]:
    import numpy as np

    known = np.isfinite(table).sum(axis=0)
    clean = np.where(np.isfinite(table), table, np.nan)
    usual = np.where(known, np.nansum(clean, axis=0) / np.maximum(known, 1), 0.0)
    scale = np.sqrt(np.nansum((clean - usual) ** 2, axis=0) / np.maximum(known, 1))
    return usual, np.where(scale > 1e-12 * np.maximum(1.0, np.abs(usual)), scale, 1.0)


def _saved(kind: str, names: tuple[str, ...], usual: Floats, scale: Floats, body: dict[str, Any]) -> SavedModel:
    return SavedModel(kind, names, tuple(usual.tolist()), tuple(scale.tolist()), body, 0.0, 0.0)


def _ridge(table: Floats, said: Floats, names: tuple[str, ...], penalty: float) -> Fitted:
    """Hoerl and Kennard (1970), Technometrics 12, on standardised features; a missing value counts as the mean."""
    import numpy as np

    usual, scale = _usual(table)

    def design(rows: Floats) -> Floats:
        return (np.where(np.isfinite(rows), rows, usual) - usual) / scale

    rows, mean = design(table), float(said.mean())
    weights = np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ (said - mean))
    saved = _saved("ridge", names, usual, scale, {"intercept": mean, "weights": weights.tolist()})
    return Fitted(saved, lambda others: mean + design(others) @ weights)


def _boosting(table: Floats, said: Floats, names: tuple[str, ...], trees: int, seed: int) -> Fitted:
    """Friedman (2001), Annals of Statistics 29, with binned features."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor  # a second to load, in workers alone

    settings = HistGradientBoostingRegressor(
        max_iter=trees, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=max(5, min(20, len(said) // 20)),
        l2_regularization=1.0, early_stopping=False, random_state=seed,
    )  # fmt: skip
    table = np.where(np.isfinite(table), table, np.nan)
    with _threads().limit(limits=1):  # threads of so small a task wait for each other
        model = settings.fit(table, said)
        known = model.predict(table[:CHECKED_ROWS])
    usual, scale = _usual(table)
    saved = _saved("boosting", names, usual, scale, _trees(model))
    _check(saved, table, known)

    def predict(rows: Floats) -> Floats:
        with _threads().limit(limits=1):
            predicted: Floats = model.predict(np.where(np.isfinite(rows), rows, np.nan))
        return predicted

    return Fitted(saved, predict)


@lru_cache(maxsize=1)
def _threads() -> Any:
    """Finding the libraries that have threads takes longer than many a fit, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _trees(model: Any) -> dict[str, Any]:
    """What scikit-learn keeps to itself; `_check` finds out when a later version keeps it otherwise."""
    trees = []
    for (grown,) in model._predictors:
        nodes = grown.nodes
        trees.append([
            [-1, 0.0, 0, 0, 0, float(node["value"])] if node["is_leaf"] else
            [int(node["feature_idx"]), float(node["num_threshold"]), int(node["missing_go_to_left"]),
             int(node["left"]), int(node["right"]), float(node["value"])]
            for node in nodes
        ])  # fmt: skip
    return {"baseline": float(model._baseline_prediction.ravel()[0]), "trees": trees}


def _check(saved: SavedModel, table: Floats, known: Floats) -> None:
    import numpy as np

    ours = [saved.raw(row) for row in table[:CHECKED_ROWS].tolist()]
    if not np.allclose(ours, known, atol=1e-9):
        raise ValueError("The boosted trees could not be read as numbers.")
