"""Where each metric of an experiment stands in the values of a unit, and the SQL that finds them.

A unit's values are made of aggregates over its executions, the feedback on them, and events that were reported of it.
The aggregates are named after what they count; an aggregate of a window carries its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.metrics import Definition, Shape, definition_for

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
NAMED = re.compile(r"\{(\w+)\}")  # an aggregate in an expression
LARGEST = "1e15"  # beyond it a value counts as this: its square still fits the sums

RATED = "(f.feedback_type IN ('thumbs_up', 'thumbs_down') OR f.rating IS NOT NULL)"
GOOD = "(f.feedback_type = 'thumbs_up' OR (f.rating >= 4 AND f.feedback_type <> 'thumbs_down'))"
BAD = "(f.feedback_type = 'thumbs_down' OR (f.rating <= 2 AND f.feedback_type <> 'thumbs_up'))"
# metadata.score.accuracy where it is a number from 0 to 1, else NULL. Nested, because AND promises no order.
GIVEN_SCORE = (
    "CASE WHEN jsonb_typeof(x.metadata #> '{score,accuracy}') = 'number' THEN"
    " CASE WHEN (x.metadata #>> '{score,accuracy}')::numeric BETWEEN 0 AND 1"
    " THEN (x.metadata #>> '{score,accuracy}')::float8 END END"
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One number of a unit: a function over the rows of a source that meet a condition.

    Means are of exact decimals: the sum of floats depends on their order, which is the planner's.
    """

    source: str  # executions (rows x) or feedback (rows f of executions x)
    function: str
    condition: str = "true"


AGGREGATES: Mapping[str, Aggregate] = {
    "runs": Aggregate("executions", "count(*)"),
    "failed": Aggregate("executions", "count(*)", "x.status = 'failed'"),
    "duration": Aggregate("executions", "avg(x.duration_ms::numeric)"),
    "scored": Aggregate("executions", f"avg(({GIVEN_SCORE})::numeric)"),
    "spent": Aggregate("executions", "avg(x.cost)"),
    "used": Aggregate(
        "executions",
        "avg(coalesce(x.input_tokens, 0)::bigint + coalesce(x.output_tokens, 0))",
        "num_nonnulls(x.input_tokens, x.output_tokens) > 0",
    ),
    "good": Aggregate("feedback", "count(*)", GOOD),
    "bad": Aggregate("feedback", "count(*)", BAD),
    "rated": Aggregate("feedback", "count(*)", RATED),
    "stars": Aggregate("feedback", "avg(f.rating)"),
    "accurate": Aggregate("feedback", "avg((f.accuracy - 1) / 4.0)"),
    "corrected": Aggregate("feedback", "count(DISTINCT f.execution_id)", "f.feedback_type = 'correction'"),
    "reported": Aggregate("feedback", "count(DISTINCT f.execution_id)", "f.feedback_type = 'report_issue'"),
}
# What the outcome of a metric is, of the aggregates in braces; NULL where a unit has none.
OUTCOMES: Mapping[str, str] = {
    "net_satisfaction": "CASE WHEN {rated} > 0 THEN ({good} - {bad})::float8 / {rated} ELSE 0 END",
    "satisfaction": "{good}::float8 / nullif({rated}, 0)",
    "rating": "{stars}",
    "accuracy": "coalesce({scored}, {accurate})",
    "correction_rate": "least({corrected}::float8 / nullif({runs}, 0), 1)",
    "report_rate": "least({reported}::float8 / nullif({runs}, 0), 1)",
    "error_rate": "{failed}::float8 / nullif({runs}, 0)",
    "latency": "{duration}",
    "tokens": "{used}",
    "cost": "{spent}",
}
# The same of events that the application reports under the metric's name; every exposed unit has a count, also of none.
EVENTS: Mapping[Shape, tuple[str, ...]] = {
    Shape.BINARY: ("(CASE WHEN {most} > 0 THEN 1 ELSE 0 END)",),
    Shape.COUNT: ("coalesce({total}, 0)",),
    Shape.CONTINUOUS: ("{mean}",),
    Shape.RATIO: ("coalesce({total}, 0)", "coalesce({below}, 0)"),
}
EVENT_AGGREGATES: Mapping[str, str] = {
    "most": "max(o.value)",
    "total": "sum(o.value::numeric)",
    "mean": "avg(o.value::numeric)",
    "below": "sum(o.denominator::numeric)",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One number of a unit, by its place in the values: an expression over aggregates."""

    metric: str
    expression: str  # with the aggregates of its window in braces
    hours: float | None  # the metric's window; None: whatever has come so far
    past: bool = False  # of the time before the experiment, and known once and for all


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of an experiment's units: of each metric its outcome (a ratio: numerator and denominator), then,
    where the unit's past says something, that and whether there is a past."""

    columns: tuple[Column, ...]
    places: Mapping[str, tuple[int, ...]]  # metric -> places of its columns, counted from 0

    @property
    def windows(self) -> tuple[float | None, ...]:
        """The different windows of the metrics, in hours."""
        return tuple(dict.fromkeys(column.hours for column in self.columns if not column.past))


def layout_of(metrics: Sequence[Mapping[str, Any]]) -> Layout:
    """The columns of `Experiment.metrics`, which are frozen from its start on."""
    columns: list[Column] = []
    places: dict[str, tuple[int, ...]] = {}
    for item in metrics:
        if not NAME.fullmatch(item["name"]):
            raise ValueError(f"{item['name']!r} cannot be the name of a metric")
        first = len(columns)
        columns += _columns(item)
        places[item["name"]] = tuple(range(first, len(columns)))
    return Layout(tuple(columns), places)


def _columns(item: Mapping[str, Any]) -> Iterator[Column]:
    definition = definition_for(item)
    name, hours = item["name"], definition.maturity_hours or None
    outcomes = EVENTS[definition.shape] if definition.custom else (OUTCOMES[name],)
    for outcome in outcomes:
        yield Column(name, _within(outcome, definition), hours)
    if definition.past and not definition.custom:
        past = _within(OUTCOMES[name], definition)
        yield Column(name, f"coalesce({past}, 0)", None, past=True)
        yield Column(name, f"(CASE WHEN ({past}) IS NULL OR {{runs}} = 0 THEN 0 ELSE 1 END)", None, past=True)


def _within(expression: str, definition: Definition) -> str:
    """Winsorised as was declared before the start, and never so large that the sums overflow. NULL stays NULL."""
    low, high = definition.low, definition.high
    floor = f"-{LARGEST}" if low is None else repr(float(low))
    ceiling = LARGEST if high is None else repr(float(high))
    inside = f"CASE WHEN v > {ceiling} THEN {ceiling} WHEN v < {floor} THEN {floor} ELSE v END"
    return f"(SELECT {inside} FROM (SELECT ({expression})::float8 AS v) AS outcome)"  # noqa: S608  our own words and numbers
