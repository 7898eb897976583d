"""A quality model as numbers: what it predicts and why, without running anything that was stored. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """How much (in quality, 0 to 1) a feature moves the prediction away from that for its usual value."""

    feature: str
    value: float | None
    effect: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Quality (0 to 1) with the interval that held `confidence` of the time, and the strongest reasons."""

    quality: float
    low: float
    high: float
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class SavedModel:
    """kind "ridge": {"intercept", "weights"}; kind "boosting": {"baseline", "trees": [[[feature, threshold, missing
    goes left, left, right, value], ...]]}, where feature -1 marks a leaf. usual: what a missing value is taken as by
    ridge, and what reasons compare with. margin: half the interval.
    """

    kind: str
    features: tuple[str, ...]
    usual: tuple[float, ...]
    scale: tuple[float, ...]
    body: Mapping[str, Any]
    margin: float
    confidence: float

    def predict(self, values: Mapping[str, float | None]) -> Prediction:
        """For one answer; what is not in `values` is missing."""
        row = [_number(values.get(name)) for name in self.features]
        exact = self.raw(row)
        reasons = []
        for place, name in enumerate(self.features):
            if math.isfinite(row[place]):
                changed = [*row[:place], self.usual[place], *row[place + 1 :]]
                reasons.append(Reason(name, row[place], exact - self.raw(changed)))
        reasons = [one for one in reasons if abs(one.effect) >= 0.005]
        reasons.sort(key=lambda one: -abs(one.effect))
        quality = _share(exact)
        return Prediction(
            quality,
            _share(exact - self.margin),
            _share(exact + self.margin),
            self.confidence,
            tuple(reasons[:MOST_REASONS]),
        )

    def raw(self, row: Sequence[float]) -> float:
        """The number before it is cut to 0 ... 1; a missing value is nan."""
        if self.kind == "ridge":
            weights: Sequence[float] = self.body["weights"]
            known = zip(row, self.usual, self.scale, weights, strict=True)
            return float(self.body["intercept"]) + sum(
                weight * (value - usual) / scale for value, usual, scale, weight in known if math.isfinite(value)
            )
        return float(self.body["baseline"]) + sum(_leaf(tree, row) for tree in self.body["trees"])

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "features": list(self.features), "usual": list(self.usual), "scale": list(self.scale),
            "body": dict(self.body), "margin": self.margin, "confidence": self.confidence,
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> SavedModel:
        """Raises ValueError when it is none."""
        try:
            model = cls(
                str(kept["kind"]), tuple(map(str, kept["features"])), tuple(map(float, kept["usual"])),
                tuple(map(float, kept["scale"])), dict(kept["body"]), float(kept["margin"]), float(kept["confidence"]),
            )  # fmt: skip
            model.raw([math.nan] * len(model.features))
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError(f"This is no quality model: {error!r}.") from error
        return model


def _leaf(tree: Sequence[Sequence[Any]], row: Sequence[float]) -> float:
    place = 0
    for _ in tree:  # no path is longer than the tree
        feature, threshold, missing_left, left, right, value = tree[place]
        if feature < 0:
            return float(value)
        known = row[feature]
        goes_left = bool(missing_left) if math.isnan(known) else known <= threshold
        place = left if goes_left else right
    raise ValueError("A tree goes round in circles.")


def _number(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else float(value)


def _share(value: float) -> float:
    return max(0.0, min(1.0, value))
