"""How far an open run is, and how fast: from its own figures, so that nothing is promised that was not measured."""

from __future__ import annotations

from dataclasses import dataclass

from learning.models import TrainingRun, TrainingType
from learning.pages.stored import section, whole
from learning.services.training import worked_seconds

WORTH_TELLING = 3.0  # percent done, and so many seconds: before that the rest cannot be foretold
LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class Pace:
    """Seconds of work until now, calls a minute, seconds that are probably left; None while unknown."""

    elapsed: float | None
    calls_per_minute: float | None
    seconds_left: float | None


def pace_of(run: TrainingRun) -> Pace:
    """Throughput over the whole run, and what is left at this speed."""
    if run.started_at is None:
        return Pace(None, None, None)
    elapsed = worked_seconds(run)
    speed = 60 * run.llm_calls / elapsed if elapsed and run.llm_calls else None
    done = run.progress_percentage
    told = WORTH_TELLING <= done < 100 and elapsed >= LEAST_SECONDS and run.finished_at is None
    return Pace(elapsed, speed, elapsed * (100 - done) / done if told else None)


def remembered_answers(run: TrainingRun) -> int | None:
    """How many of the engine's questions were not asked of the endpoint; None before the end, or if unknown."""
    questions = whole(section(run.metrics, "cost"), "calls")
    return None if questions is None else max(0, questions - run.llm_calls)


def kept_calls(run: TrainingRun) -> int:
    """How many of the calls that it may make the engine does not plan with, so that some can be lost; 0 if unknown,
    and for behavior, whose steps are no calls."""
    if run.training_type == TrainingType.BEHAVIOR_CLONING:
        return 0
    most = whole(run.config, "max_calls")
    return max(0, most - run.total_steps) if most and run.total_steps else 0
