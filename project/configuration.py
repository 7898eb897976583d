"""Reads config/system.yaml and refuses what it does not know, naming the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
import yaml

Check = Callable[[Any], bool]


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _frequency(value: Any) -> bool:
    return value in {"hourly", "daily", "weekly", "monthly"}


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_count, value)) and value[0] < value[1]


# key: (default, check, what the check wants)
KEYS: dict[str, tuple[Any, Check, str]] = {
    "feedback.enabled": (True, _flag, "true or false"),
    "feedback.collection_rate": (1.0, _share, "a number from 0 to 1"),
    "feedback.require_rating": (False, _flag, "true or false"),
    "feedback.require_rating_threshold": (3, lambda v: _count(v) and 1 <= v <= 5, "a whole number from 1 to 5"),
    "feedback.enable_corrections": (True, _flag, "true or false"),
    "annotation.auto_assign": (True, _flag, "true or false"),
    "annotation.min_quality_score": (0.7, _share, "a number from 0 to 1"),
    "annotation.require_expert_review": (True, _flag, "true or false"),
    "annotation.queue_priority": (
        ["correction", "negative", "edge_case", "positive"],
        _names,
        "a list of example types",
    ),
    "annotation.auto_approve_threshold": (0.95, _share, "a number from 0 to 1"),
    "training.auto_schedule": (False, _flag, "true or false"),
    "training.min_dataset_size": (100, _count, "a whole number"),
    "training.max_training_hours": (6, lambda v: _number(v) and v > 0, "a number of hours above 0"),
    "training.prompt_optimization.frequency": ("weekly", _frequency, "hourly, daily, weekly or monthly"),
    "training.prompt_optimization.min_examples": (50, _count, "a whole number"),
    "training.prompt_optimization.max_variants": (5, _count, "a whole number"),
    "training.rag_tuning.frequency": ("daily", _frequency, "hourly, daily, weekly or monthly"),
    "training.rag_tuning.min_feedback": (20, _count, "a whole number"),
    "training.rag_tuning.chunk_size_range": ([256, 2048], _range, "two whole numbers, the smaller first"),
    "insight.enabled": (True, _flag, "true or false"),
    "insight.min_feedback": (5, lambda v: _count(v) and v > 0, "a whole number above 0"),
    "insight.window_days": (7, lambda v: _count(v) and 1 <= v <= 365, "a whole number of days from 1 to 365"),
    "insight.look_back_days": (30, lambda v: _count(v) and 1 <= v <= 365, "a whole number of days from 1 to 365"),
    "insight.frequency": ("weekly", _frequency, "hourly, daily, weekly or monthly"),
    "experiments.default_duration_days": (7, _count, "a whole number of days"),
    "experiments.min_duration_hours": (168, lambda v: _number(v) and v >= 0, "a number of hours"),
    "experiments.min_samples": (1000, _count, "a whole number"),
    "experiments.significance_threshold": (0.05, lambda v: _number(v) and 0 < v < 1, "a number between 0 and 1"),
    "experiments.auto_deploy_winner": (False, _flag, "true or false"),
}


def load_learning_settings(path: Path, env: environ.Env) -> dict[str, Any]:
    """The nested settings, defaults filled in.

    Raises SystemExit naming the first unknown key or bad value.
    """
    given = _flatten(_read(path))
    for key in given:
        if key not in KEYS:
            raise SystemExit(f"{path.name}: unknown key learning.{key}. Known keys: {', '.join(KEYS)}")
    nested: dict[str, Any] = {}
    for key, (default, check, wanted) in KEYS.items():
        value = given.get(key, default)
        if not check(value):
            raise SystemExit(f"{path.name}: learning.{key} is {value!r}; it must be {wanted}.")
        branch = nested
        *parents, leaf = key.split(".")
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    return nested


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise SystemExit(f"{path.name} is not valid YAML: {error}") from error
    if not isinstance(document, dict) or set(document) - {"learning"}:
        raise SystemExit(f"{path.name} must hold one mapping called `learning`.")
    return document.get("learning") or {}


def _flatten(branch: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in branch.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
