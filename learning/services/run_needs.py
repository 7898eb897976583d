"""What a dataset version must hold for an honest run, and how such a run divides its calls."""

from __future__ import annotations

from django.conf import settings

from learning.engines.metrics import METRIC_KINDS
from learning.engines.prompt.planning import FEWEST_TEST, FEWEST_TRAIN, FEWEST_VALIDATION, Plan, plan_calls
from learning.models import DatasetVersion
from learning.services.run_budget import planned_calls
from learning.services.run_config import RunConfig, calibration_calls
from organizations.errors import Refused


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
        plan_of(version, wishes)
    except ValueError as error:
        raise Refused(f"{error} Review more and publish again.", "dataset_version_id") from error


def plan_of(version: DatasetVersion, wishes: RunConfig) -> Plan:
    """How the run's engine will divide its calls; a judge may turn out to need fewer for its comparison with experts.

    Raises ValueError saying what is missing when no honest run is possible.
    """
    return plan_calls(
        planned_calls(wishes),
        version.validation_count,
        version.test_count,
        wishes.rewrites,
        calls_per_answer=METRIC_KINDS[wishes.metric].calls_per_answer,
        calibration=calibration_calls(wishes.metric),
    )


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
