"""The part of a statement that finds the values of units `t` anew, of everything there is about each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from experiments.services.outcome_columns import AGGREGATES, EVENT_AGGREGATES, NAMED, RATED, Column, Layout

# OFFSET 0 keeps these look-ups by unit in the index, however wrong the planner's guess of the number of rows.
EXECUTIONS = """(SELECT * FROM learning_execution e WHERE e.organization_id = %(organization)s
    AND e.agent_id = %(agent)s AND {unit} = t.unit AND e.id >= {since} OFFSET 0) x"""
FEEDBACK = """ JOIN LATERAL (SELECT * FROM learning_agentfeedback g WHERE g.organization_id = %(organization)s
    AND g.execution_id = x.id AND g.agent_id = %(agent)s OFFSET 0) f ON true"""
EVENTS = """ CROSS JOIN LATERAL (SELECT {aggregates} FROM experiments_outcomeevent o
    WHERE o.organization_id = %(organization)s AND o.agent_id = %(agent)s AND o.unit = t.unit
    AND o.metric = '{metric}' AND o.occurred_at >= t.exposed_at) {name}"""
OWN_ARM = "(x.variant = t.key AND (x.config_id IS NULL OR x.config_id = t.config_id))"
ELSEWHERE = """bool_or(EXISTS (SELECT 1 FROM arms a WHERE a.key = x.variant AND a.key <> t.key
    AND (x.config_id IS NULL OR x.config_id = a.config_id)))"""
FOUND = """found AS (
  SELECT t.id, t.arm, t.stratum, t.crossed OR {elsewhere} AS crossed, {due} AS due_at, said.ever > 0 AS rated,
    ARRAY[{values}]::float8[] AS values
  FROM targets t LEFT JOIN stored b ON b.id = t.id{laterals})"""
LATERAL = """ CROSS JOIN LATERAL (SELECT {aggregates} FROM {rows} WHERE {condition}) {name}"""


@dataclass(frozen=True, slots=True)
class Source:
    """How the executions of an experiment's units are found and told apart."""

    unit: str = 'e."user"'  # of an execution e, in SQL
    by_variant: bool = True  # False: every execution of a unit counts for its arm, whatever it was served (A/A)


def found(layout: Layout, source: Source) -> str:
    """The units of `targets`, with what the sources say of them now. Needs `arms`, `targets` and `stored`."""
    return FOUND.format(
        elsewhere="coalesce(runs.elsewhere, false)" if source.by_variant else "false",
        due=_due([hours for hours in layout.windows if hours]),
        values=", ".join(_value(column, place, layout) for place, column in enumerate(layout.columns, start=1)),
        laterals="".join(_laterals(layout, source)),
    )


def _value(column: Column, place: int, layout: Layout) -> str:
    if column.past:
        return f"CASE WHEN b.id IS NULL THEN {_named(column, 'past')} ELSE b.values[{place}] END"
    value = _named(column, str(layout.windows.index(column.hours)))
    return f"CASE WHEN {_over(column.hours)} THEN {value} END" if column.hours else value


def _named(column: Column, end: str) -> str:
    """The expression with the aggregates' names in the statement."""
    return NAMED.sub(lambda name: f"{_lateral(name[1], column, end)}.{name[1]}_{end}", column.expression)


def _lateral(aggregate: str, column: Column, end: str) -> str:
    if aggregate in EVENT_AGGREGATES:
        return f'"of_{column.metric}"'
    said = AGGREGATES[aggregate].source == "feedback"
    return ("pastsaid" if said else "past") if end == "past" else ("said" if said else "runs")


def _over(hours: float | None) -> str:
    return f"(t.exposed_at + {_span(hours)} <= %(now)s)" if hours else "true"


def _due(windows: list[float]) -> str:
    """When the next window of a unit is over: least() passes over those that are over already, which are NULL."""
    ends = [f"CASE WHEN NOT {_over(hours)} THEN t.exposed_at + {_span(hours)} END" for hours in windows]
    return f"least({', '.join(ends)})" if ends else "NULL::timestamptz"


def _span(hours: float) -> str:
    return f"interval '1 hour' * {float(hours)!r}"


def _laterals(layout: Layout, source: Source) -> Iterator[str]:
    own = OWN_ARM if source.by_variant else "x.created_at >= t.exposed_at"
    executions = EXECUTIONS.format(unit=source.unit, since="%(first)s")
    runs = [*_aggregates("executions", layout, own), f"{ELSEWHERE} AS elsewhere"]
    yield LATERAL.format(aggregates=", ".join(runs), rows=executions, condition="true", name="runs")
    ever = f"count(*) FILTER (WHERE {RATED}) AS ever"
    said = ", ".join([*_aggregates("feedback", layout, "true"), ever])
    heard = f"{own} AND f.created_at >= %(started)s"
    yield LATERAL.format(aggregates=said, rows=executions + FEEDBACK, condition=heard, name="said")
    if any(column.past for column in layout.columns):
        yield from _past(layout, source)
    events = {column.metric: column for column in layout.columns if _reported(column)}
    for column in events.values():
        yield _events(column, layout)


def _past(layout: Layout, source: Source) -> Iterator[str]:
    """What the unit did before the experiment. It is read once, for a unit that has no row yet."""
    rows = EXECUTIONS.format(unit=source.unit, since="%(past)s")
    before = "b.id IS NULL AND x.id < %(first)s"
    names = _names(column for column in layout.columns if column.past)
    executions, feedback = (
        ", ".join(f"{_aggregate(name, 'true')} AS {name}_past" for name in names if AGGREGATES[name].source == source)
        for source in ("executions", "feedback")
    )
    yield LATERAL.format(aggregates=executions or "count(*)", rows=rows, condition=before, name="past")
    heard = f"{before} AND f.created_at < %(started)s"
    yield LATERAL.format(aggregates=feedback or "count(*)", rows=rows + FEEDBACK, condition=heard, name="pastsaid")


def _aggregates(source: str, layout: Layout, condition: str) -> Iterator[str]:
    """Every aggregate of the source that the columns need, once for each window."""
    row = "x" if source == "executions" else "f"
    for number, hours in enumerate(layout.windows):
        inside = f"{row}.created_at < t.exposed_at + {_span(hours)}" if hours else "true"
        columns = (column for column in layout.columns if not column.past and column.hours == hours)
        for name in _names(columns):
            if AGGREGATES[name].source == source:
                yield f"{_aggregate(name, f'{condition} AND {inside}')} AS {name}_{number}"


def _aggregate(name: str, condition: str) -> str:
    one = AGGREGATES[name]
    return f"{one.function} FILTER (WHERE {one.condition} AND {condition})"


def _names(columns: Iterable[Column]) -> list[str]:
    """The aggregates of executions and feedback that the columns are made of."""
    names = (name for column in columns for name in NAMED.findall(column.expression))
    return [name for name in dict.fromkeys(names) if name in AGGREGATES]


def _reported(column: Column) -> bool:
    return any(name in EVENT_AGGREGATES for name in NAMED.findall(column.expression))


def _events(column: Column, layout: Layout) -> str:
    number = layout.windows.index(column.hours)
    inside = f"o.occurred_at < t.exposed_at + {_span(column.hours)}" if column.hours else "true"
    aggregates = ", ".join(
        f"{function} FILTER (WHERE {inside}) AS {name}_{number}" for name, function in EVENT_AGGREGATES.items()
    )
    return EVENTS.format(aggregates=aggregates, metric=column.metric, name=f'"of_{column.metric}"')
