"""What a metric was among an agent's units before any experiment, for whoever plans one. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from experiments.models import Unit
from experiments.services.outcome_columns import AGGREGATES, EVENT_AGGREGATES, NAMED, layout_of
from experiments.services.outcome_keeping import UNITS
from experiments.services.outcome_reading import key_at
from learning.models import Agent
from organizations.scope import current_organization_id

DAYS = 7
MOST = 50_000  # executions that are read, the newest
STATEMENT = """WITH newest AS MATERIALIZED (
  SELECT {unit} AS unit, e.id, e.status, e.duration_ms, e.cost, e.input_tokens, e.output_tokens, e.metadata
  FROM learning_execution e WHERE e.organization_id = %(organization)s AND e.agent_id = %(agent)s
    AND e.id >= %(since_id)s AND e.started_at >= %(since)s ORDER BY e.started_at DESC LIMIT %(most)s),
ran AS (SELECT {ran} FROM newest x WHERE x.unit <> '' GROUP BY x.unit){more},
outcomes AS (SELECT {top} AS top, {below} AS below FROM ran{joins}),
whole AS (SELECT count(*) AS units, count(top) AS measured, sum(top) / nullif(sum(below), 0) AS mean,
  avg(below) AS each FROM outcomes)
SELECT units, measured, mean, (SELECT stddev_samp(top - whole.mean * below) FROM outcomes) / nullif(each, 0)
FROM whole"""
SAID = """,
said AS (SELECT {aggregates} FROM newest x JOIN learning_agentfeedback f ON f.execution_id = x.id
  AND f.organization_id = %(organization)s AND f.agent_id = %(agent)s WHERE x.unit <> '' GROUP BY x.unit)"""
EVENTS = """,
events AS (SELECT {aggregates} FROM experiments_outcomeevent o WHERE o.organization_id = %(organization)s
  AND o.agent_id = %(agent)s AND o.metric = %(metric)s AND o.occurred_at >= %(since)s GROUP BY o.unit)"""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Of the last week: units, those with an outcome, and the mean and standard deviation of an outcome (of a ratio:
    of its linearised values). None while there is nothing to say."""

    units: int
    measured: int
    mean: float | None
    deviation: float | None

    @property
    def share(self) -> float | None:
        """The share of the units that has an outcome, 0 to 1."""
        return self.measured / self.units if self.units else None


def baseline_of(*, agent: Agent, unit: str, item: Mapping[str, Any]) -> Baseline:
    """Of one entry of `Experiment.metrics`, whatever units were served."""
    layout = layout_of([item])
    outcome = [layout.columns[place].expression for place in layout.places[item["name"]]]
    top, below = outcome[0], outcome[1] if _is_ratio(item) else None
    names = list(dict.fromkeys(NAMED.findall(f"{top} {below}")))
    since = timezone.now() - timedelta(days=DAYS)
    given = {
        "organization": current_organization_id(), "agent": agent.pk, "metric": item["name"], "most": MOST,
        "since": since, "since_id": key_at(since - timedelta(days=1)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_statement(unit, names, top, below), given)
        units, measured, mean, deviation = cursor.fetchone()
    return Baseline(units, measured, _number(mean), _number(deviation))


def _statement(unit: str, names: list[str], top: str, below: str | None) -> str:
    said = [name for name in names if name in AGGREGATES and AGGREGATES[name].source == "feedback"]
    reported = [name for name in names if name in EVENT_AGGREGATES]
    ran = [name for name in names if name not in said and name not in reported]
    more = SAID.format(aggregates=", ".join(["x.unit", *_columns(said)])) if said else ""
    happened = ", ".join(["o.unit", *(f"{EVENT_AGGREGATES[name]} AS {name}" for name in reported)])
    more += EVENTS.format(aggregates=happened) if reported else ""
    joins = [table for table, used in (("said", said), ("events", reported)) if used]
    measured = _filled(top)
    return STATEMENT.format(
        unit=UNITS[Unit(unit)],
        ran=", ".join(["x.unit", *_columns(ran)]),
        more=more,
        top=measured,
        below=_filled(below) if below else f"CASE WHEN ({measured}) IS NULL THEN NULL ELSE 1 END",
        joins="".join(f" LEFT JOIN {table} USING (unit)" for table in joins),
    )


def _columns(names: list[str]) -> Iterator[str]:
    for name in names:
        one = AGGREGATES[name]
        yield f"{one.function} FILTER (WHERE {one.condition}) AS {name}"


def _filled(expression: str) -> str:
    """A unit that nothing was said of was rated 0 times: counts of no rows are 0, not NULL."""
    return NAMED.sub(lambda name: f"coalesce({name[1]}, 0)" if _counts(name[1]) else name[1], expression)


def _counts(name: str) -> bool:
    return name in AGGREGATES and AGGREGATES[name].function.startswith("count")


def _is_ratio(item: Mapping[str, Any]) -> bool:
    return (item.get("definition") or {}).get("shape") == "ratio"


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
