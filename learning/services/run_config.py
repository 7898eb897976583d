"""What a training run was asked to do, validated when it is asked: a run must not fail later for a bad wish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.conf import settings

from learning.engines.metrics import resolve_metric
from learning.engines.prompt.goals import ACCURACY, check_goals
from learning.engines.prompt.optimizer import FEWEST_CALLS, FEWEST_TEST, FEWEST_TRAIN, FEWEST_VALIDATION, plan_calls
from learning.models import DatasetVersion, TrainingType
from organizations.errors import Refused

MOST_CALLS = 100_000
MOST_REWRITES = 20
AVAILABLE = (TrainingType.PROMPT_OPTIMIZATION,)


@dataclass(frozen=True)
class RunConfig:
    """The wishes for a prompt optimization. `max_calls`: the hard number of calls, confirmation included.

    `rewrites`: how many instructions the language model writes itself; 0 for a model too weak for it.
    """

    max_calls: int = 340
    metric: str = "exact"
    goals: tuple[str, ...] = (ACCURACY,)
    rewrites: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"goals": list(self.goals)}


def read_run_config(config: Mapping[str, Any]) -> RunConfig:
    """The validated wishes, defaults filled in. Raises Refused naming the key that is wrong."""
    known = [field.name for field in fields(RunConfig)]
    for key in config:
        if key not in known:
            raise Refused(f"There is no setting {key!r}. Known settings: {', '.join(known)}.", "config")
    wishes = RunConfig(**{**config, "goals": _goals(config.get("goals", [ACCURACY]))})
    _whole_number("rewrites", wishes.rewrites, 0, MOST_REWRITES)
    _whole_number("max_calls", wishes.max_calls, FEWEST_CALLS + wishes.rewrites, MOST_CALLS)
    try:
        resolve_metric(_text("metric", wishes.metric))
    except ValueError as error:
        raise Refused(str(error), "config.metric") from error
    return wishes


def check_examples(version: DatasetVersion, wishes: RunConfig) -> None:
    """Raises Refused saying how many approved examples are missing for an honest run."""
    needed = settings.MIN_EXAMPLES_FOR_TRAINING
    if version.total < needed:
        raise Refused(
            f"Training needs at least {needed} approved examples; version {version.number} has {version.total}, "
            f"so {needed - version.total} are missing. Review more and publish again.",
            "dataset_version_id",
        )
    if version.train_count < FEWEST_TRAIN:
        raise Refused(
            f"At least {FEWEST_TRAIN} train examples are needed, there are {version.train_count}.", "dataset_version_id"
        )
    try:
        plan_calls(wishes.max_calls, version.validation_count, version.test_count, wishes.rewrites)
    except ValueError as error:
        raise Refused(f"{error} Review more and publish again.", "dataset_version_id") from error


def why_too_small(version: DatasetVersion) -> str:
    """Why no run can learn from the version, in words; empty where one can."""
    try:
        check_examples(version, RunConfig())
    except Refused as error:
        return error.message
    return ""


def needed_examples() -> str:
    """What a version must hold, in words."""
    return (
        f"at least {settings.MIN_EXAMPLES_FOR_TRAINING} approved examples, of them {FEWEST_TRAIN} or more to train, "
        f"{FEWEST_VALIDATION} to validate and {FEWEST_TEST} to test"
    )


def check_type(training_type: str) -> None:
    """Raises Refused for a kind of training that does not exist here."""
    if training_type not in AVAILABLE:
        names = ", ".join(AVAILABLE)
        raise Refused(f"{training_type!r} cannot be run. Available: {names}.", "training_type")


def _goals(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(goal, str) for goal in value):
        raise Refused("This must be a list with at least one goal.", "config.goals")
    try:
        check_goals(value)
    except ValueError as error:
        raise Refused(str(error), "config.goals") from error
    return tuple(dict.fromkeys(value))


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("This must be a text.", f"config.{key}")
    return value


def _whole_number(key: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(f"This must be a whole number from {low} to {high}.", f"config.{key}")
