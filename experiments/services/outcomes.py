"""One outcome per user and metric, from executions and feedback that are there anyway."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Avg, Count, F, FloatField, Func, Q

from experiments.metrics import CATALOGUE
from experiments.models import Experiment, Exposure, Variant
from experiments.services.exposures import executions_of, first_id_at, names_an_arm
from learning.models import AgentFeedback, ExecutionStatus, FeedbackType

THUMBS = (FeedbackType.THUMBS_UP, FeedbackType.THUMBS_DOWN)
GOOD = Q(feedback_type=FeedbackType.THUMBS_UP) | (~Q(feedback_type__in=THUMBS) & Q(rating__gte=4))
BAD = Q(feedback_type=FeedbackType.THUMBS_DOWN) | (~Q(feedback_type__in=THUMBS) & Q(rating__lte=2))
RATED = Q(feedback_type__in=THUMBS) | Q(rating__isnull=False)

Row = dict[str, Any]


class GivenScore(Func):
    """metadata.score.accuracy where it is a number from 0 to 1, else NULL. Nested, because AND promises no order."""

    template = (
        "CASE WHEN jsonb_typeof(%(expressions)s #> '{score,accuracy}') = 'number' THEN"
        " CASE WHEN (%(expressions)s #>> '{score,accuracy}')::numeric BETWEEN 0 AND 1"
        " THEN (%(expressions)s #>> '{score,accuracy}')::float8 END END"
    )
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Exposed units by arm; outcomes by arm and metric, one a unit that has one; units in several arms (left out)."""

    units: Counter[str]
    values: dict[str, dict[str, npt.NDArray[np.float64]]]
    crossed: int


@dataclass(slots=True)
class _Unit:
    """What one user did in the experiment."""

    arm: str
    seen: set[str] = field(default_factory=set)
    executions: Row = field(default_factory=dict)
    feedback: Row = field(default_factory=dict)


def load_outcomes(*, experiment: Experiment, variants: list[Variant]) -> Outcomes:
    """Everything the exposed users did until now, as one outcome for each user and metric of the experiment."""
    exposed = Exposure.objects.filter(experiment=experiment).values_list("unit", "variant__key")
    units = {unit: _Unit(arm) for unit, arm in exposed}
    for row in _execution_rows(experiment, variants):
        _note(units, row.pop("user"), row.pop("variant"), "executions", row)
    for row in _feedback_rows(experiment, variants):
        _note(units, row.pop("execution__user"), row.pop("execution__variant"), "feedback", row)
    crossed = {name for name, unit in units.items() if unit.seen - {unit.arm}}
    kept = [unit for name, unit in units.items() if name not in crossed]
    names = [item["name"] for item in experiment.metrics]
    values = {
        variant.key: {name: _outcomes(name, (unit for unit in kept if unit.arm == variant.key)) for name in names}
        for variant in variants
    }
    return Outcomes(Counter(unit.arm for unit in units.values()), values, len(crossed))


def _note(units: dict[str, _Unit], name: str, arm: str, kind: str, row: Row) -> None:
    unit = units.get(name)
    if unit is None:
        return
    unit.seen.add(arm)
    if arm == unit.arm:
        setattr(unit, kind, row)


def _execution_rows(experiment: Experiment, variants: list[Variant]) -> Any:
    return (
        executions_of(experiment, variants)
        .values("user", "variant")
        .annotate(
            runs=Count("id"),
            failed=Count("id", filter=Q(status=ExecutionStatus.FAILED)),
            duration=Avg("duration_ms"),
            scored=Avg(GivenScore(F("metadata"))),
        )
        .order_by()
        .iterator()
    )


def _feedback_rows(experiment: Experiment, variants: list[Variant]) -> Any:
    started = experiment.started_at
    if started is None:
        return []
    return (
        AgentFeedback.objects.filter(agent=experiment.agent_id, created_at__gte=started)
        .filter(names_an_arm(variants, "execution__"), execution__gte=first_id_at(started))
        .values("execution__user", "execution__variant")
        .annotate(
            good=Count("id", filter=GOOD),
            bad=Count("id", filter=BAD),
            rated=Count("id", filter=RATED),
            corrected=Count("execution", filter=Q(feedback_type=FeedbackType.CORRECTION), distinct=True),
            accurate=Avg((F("accuracy") - 1) / 4.0, output_field=FloatField()),
        )
        .order_by()
        .iterator()
    )


def _outcomes(name: str, units: Any) -> npt.NDArray[np.float64]:
    measure = MEASURES[name]
    found = (measure(unit.executions, unit.feedback) for unit in units)
    return np.array([value for value in found if value is not None and math.isfinite(value)], dtype=np.float64)


def _net_satisfaction(executions: Row, feedback: Row) -> float | None:
    return (feedback["good"] - feedback["bad"]) / feedback["rated"] if feedback.get("rated") else 0.0


def _satisfaction(executions: Row, feedback: Row) -> float | None:
    return feedback["good"] / feedback["rated"] if feedback.get("rated") else None


def _accuracy(executions: Row, feedback: Row) -> float | None:
    given = executions.get("scored")
    return given if given is not None else feedback.get("accurate")


def _correction_rate(executions: Row, feedback: Row) -> float | None:
    runs = executions.get("runs")
    return min(feedback.get("corrected", 0) / runs, 1.0) if runs else None


def _error_rate(executions: Row, feedback: Row) -> float | None:
    return executions["failed"] / executions["runs"] if executions.get("runs") else None


def _latency(executions: Row, feedback: Row) -> float | None:
    return executions.get("duration")


MEASURES: dict[str, Callable[[Row, Row], float | None]] = {
    "net_satisfaction": _net_satisfaction,
    "satisfaction": _satisfaction,
    "accuracy": _accuracy,
    "correction_rate": _correction_rate,
    "error_rate": _error_rate,
    "latency": _latency,
}
if MEASURES.keys() != CATALOGUE.keys():
    raise RuntimeError("every metric of the catalogue needs its measure")
