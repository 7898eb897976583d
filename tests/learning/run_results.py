"""Results of training runs as the worker stores them, for tests of what is shown."""

from __future__ import annotations

from typing import Any

from learning.models import DatasetVersion

SCORE = {"low": 0.4, "high": 0.9, "n": 45}

CONFIRMED: dict[str, Any] = {
    "verdict": "improved",
    "improvement_percentage": 20.0,
    "improvement": {
        "mean": 0.2, "low": 0.08, "high": 0.32, "n": 45, "p_value": 0.0012, "confidence": 0.95,
        "method": "exact McNemar",
    },
    "before": SCORE | {"mean": 0.5},
    "after": SCORE | {"mean": 0.7},
    "instruction_only": SCORE | {"mean": 0.55},
    "variants": [
        {"name": "stated form, 4 examples", "kind": "few_shot", "parent": "stated form", "n": 24, "mean": 0.75},
        {"name": "current", "kind": "current", "n": 24, "mean": 0.5},
        {"name": "never tried", "kind": "combined", "n": 0, "mean": None},
    ],
    "analysis": {
        "issues": [{"kind": "right answer with extra text", "count": 30, "share": 0.6}],
        "clusters": [{"words": ["refund", "invoice"], "keys": ["a", "b", "c"]}],
        "common": ["Corrections are one word long."],
    },
    "trace": [
        {"calls": 12, "best": 0.5, "variant": "current"},
        {"calls": 60, "best": 0.65, "variant": "stated form"},
        {"calls": 140, "best": 0.75, "variant": "stated form, 4 examples"},
    ],
    "clusters": [
        {"words": ["film"], "gain": 0.3, "low": 0.1, "high": 0.5, "n": 20},
        {"words": ["refund", "late"], "gain": -0.1, "n": 5},
    ],
    "tokens": {"before": 40.0, "after": 120.0},
    "latency": {"before": 0.5, "after": 0.8},
    "tried": {"n": 14, "correction": "the test split was opened once"},
    "judge": {"kappa": 0.71, "low": 0.55, "high": 0.84, "n": 40},
    "recommendations": ["12 failing examples need data that the agent does not have."],
}  # fmt: skip


def with_worse_examples(version: DatasetVersion) -> dict[str, Any]:
    """The confirmed result, two examples of the sealed test split answered worse."""
    keys = version.items.filter(split="test").order_by("id").values_list("example_id", flat=True)[:2]
    return CONFIRMED | {"worse_examples": [{"key": str(key), "before": 1.0, "after": 0.0} for key in keys]}
