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
        {
            "name": "stated form, 4 examples", "kind": "few_shot", "parent": "stated form", "n": 24, "mean": 0.75,
            "calls": 24, "dropped": False,
        },
        {"name": "current", "kind": "current", "parent": "", "n": 24, "mean": 0.5, "calls": 24, "dropped": True},
        {"name": "never tried", "kind": "combined", "parent": "", "n": 0, "mean": None, "calls": 0, "dropped": False},
    ],
    "analysis": {
        "issues": [{"kind": "right answer with extra text", "count": 30, "share": 0.6, "keys": ["a"]}],
        "reported": [{"kind": "too_long", "count": 4, "share": 0.08, "keys": ["a"]}],
        "corrections": [{"kind": "shorter", "count": 40, "share": 0.8, "detail": "by two thirds"}],
        "clusters": [
            {"words": "refund, invoice", "n": 9, "failing": 7, "keys": ["a", "b"]},
            {"words": "greetings", "n": 5, "failing": 0, "keys": []},
        ],
        "lacking": ["a", "b"],
    },
    "trace": [
        {"calls": 12, "best": 0.5, "variant": "current"},
        {"calls": 60, "best": 0.65, "variant": "stated form"},
        {"calls": 140, "best": 0.75, "variant": "stated form, 4 examples"},
    ],
    "clusters": [
        {"words": "film", "n": 20, "before": 0.4, "after": 0.7, "gained": 8, "lost": 2},
        {"words": "refund, late", "n": 5, "before": 0.6, "after": 0.5, "gained": 0, "lost": 1},
    ],
    "goals": [
        {
            "goal": "brevity", "adjusted_p": 0.2, "claimed": False,
            "change": {"mean": 0.05, "low": -0.02, "high": 0.12, "n": 45, "p_value": 0.2, "confidence": 0.95},
        },
    ],
    "tokens": {
        "before": {"input_tokens": 40.0, "output_tokens": 6.5}, "after": {"input_tokens": 120.0, "output_tokens": None},
    },
    "latency": {"before": {"seconds": 0.5}, "after": {"seconds": 0.8}},
    "tried": {"variants": 14, "dropped": 3, "compared_on_test": 1, "correction": "none needed"},
    "judge": {"kappa": 0.71, "low": 0.55, "high": 0.84, "n": 40},
    "recommendations": ["12 failing examples need data that the agent does not have."],
    "ended": "",
}  # fmt: skip


def with_worse_examples(version: DatasetVersion) -> dict[str, Any]:
    """The confirmed result, two examples of the sealed test split answered worse."""
    keys = version.items.filter(split="test").order_by("id").values_list("example_id", flat=True)[:2]
    return CONFIRMED | {"worse_examples": [{"key": str(key), "before": 1.0, "after": 0.0} for key in keys]}
