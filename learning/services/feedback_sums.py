"""What the feedback of a span adds up to: sums where there are any, rows elsewhere. Exact at any moment.

Everything is read by one statement, so from one state of the database. Only the plan is made before it; the statement
tells which watermark it saw, and is asked again when the job has moved that meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from learning.models import FeedbackRollupProgress
from learning.services.reading_plan import Plan, Span, plan_reading, whole_hours
from learning.services.rollup_sql import ROWS, ROWS_OF_HOURS, SUMS_OF_HOURS, Shape
from organizations.scope import current_organization_id

ATTEMPTS = 5  # the watermark moves twice a minute; after so many times rows alone answer
WATERMARK = "SELECT summed_until FROM learning_feedbackrollupprogress WHERE organization_id = %(organization)s"
MARKED = """SELECT DISTINCT agent_id, hour FROM learning_feedbackrollupmark WHERE organization_id = %(organization)s
  AND hour >= %(low)s AND hour < %(high)s AND hour >= %(rows_since)s{agent}"""
SUMMED = """SELECT {bucket}, {numbers} FROM {table} r WHERE r.organization_id = %(organization)s AND r.grain = '{grain}'
  AND r.start >= {since} AND r.start < {until}{agent}"""
# The sums of a marked hour are taken away again, and its rows put in their place; a day is the sum of its hours.
TAKEN_AWAY = "SELECT {bucket}, {numbers} FROM {sums}"
ROWS_SINCE = WATERMARK.replace("summed_until", "rows_since")
ANSWER = """{marked}SELECT reached.summed_until, reached.rows_since, bucket, {sums}
FROM (SELECT ({watermark}) AS summed_until, ({rows_since}) AS rows_since) reached LEFT JOIN ({parts}) parts ON true
GROUP BY reached.summed_until, reached.rows_since, bucket{extra}"""

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

Row = dict[str, Any]
Reached = tuple[datetime | None, datetime | None]  # summed up until when, and since when there are rows


def add_up(*, shape: Shape, span: Span, agent_id: UUID | None = None, bucket: str = "") -> list[Row]:
    """The numbers of the shape, as dicts by their names. bucket: hour, day, week, month (UTC), or '' for one of all.

    Each row has `bucket`, the bucket's start or None, and what the shape tells apart. What has no feedback has no row.
    """
    reached: Reached = FeedbackRollupProgress.objects.values_list("summed_until", "rows_since").first() or (None, None)
    for _ in range(ATTEMPTS):
        watermark, rows_since = reached
        plan = plan_reading(whole_hours(span, rows_since), watermark, by_hour=bucket == "hour")
        seen, rows = _read(shape, plan, agent_id, bucket, rows_since)
        if seen == reached:
            return rows
        reached = seen
    if rows_since is not None and span.start < rows_since:
        return rows  # the rows alone would miss what is past its retention
    return _read(shape, Plan(rows=(span,)), agent_id, bucket, rows_since)[1]


def _read(
    shape: Shape, plan: Plan, agent_id: UUID | None, bucket: str, rows_since: datetime | None
) -> tuple[Reached, list[Row]]:
    given: Row = {"organization": current_organization_id(), "agent": agent_id, "rows_since": rows_since or LONG_AGO}
    statement = ANSWER.format(
        marked=_marked(plan, given),
        watermark=WATERMARK,
        rows_since=ROWS_SINCE,
        parts="\nUNION ALL ".join(_parts(shape, plan, given, bucket)),
        sums=shape.sums(),
        extra="".join(f", {name}" for name in shape.extra),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        found = cursor.fetchall()
    names = ("bucket", *shape.extra, *shape.numbers)
    return (found[0][0], found[0][1]), [_row(names, row[2:]) for row in found if row[-1] is not None]


def _row(names: tuple[str, ...], values: tuple[Any, ...]) -> Row:
    """Sums of sums come as Decimal."""
    given = dict(zip(names, values, strict=True))
    return {name: value if name in ("bucket", "category") else int(value) for name, value in given.items()}


def _marked(plan: Plan, given: Row) -> str:
    if plan.summed is None:
        return ""
    given |= {"low": plan.summed.start, "high": plan.summed.end}
    return f"WITH marked AS MATERIALIZED ({MARKED.format(agent=_of(given, 'agent_id'))}) "


def _parts(shape: Shape, plan: Plan, given: Row, bucket: str) -> list[str]:
    """One SELECT for each piece of the plan; the ends of the pieces go into `given`."""
    by_start, by_row = _bucket(bucket, "r.start"), _bucket(bucket, "f.created_at")
    parts = []
    for grain, spans in (("day", plan.days), ("hour", plan.hours)):
        for span in spans:
            named = {"numbers": shape.totals(), "table": shape.table, "grain": grain, "agent": _of(given, "r.agent_id")}
            parts.append(SUMMED.format(bucket=by_start, **named, **_ends(given, span)))
    for span in plan.rows:
        rows = ROWS.format(source=shape.source, **_ends(given, span)) + _of(given, "a.id")
        parts.append(_grouped(shape, by_row, rows))
    if plan.summed is not None:
        sums = SUMS_OF_HOURS.format(hours="marked", table=shape.table)
        rows = ROWS_OF_HOURS.format(hours="marked", until=f"({WATERMARK})", source=shape.source)
        parts.append(TAKEN_AWAY.format(bucket=by_start, numbers=shape.totals("-"), sums=sums))
        parts.append(_grouped(shape, by_row, rows))
    return parts


def _grouped(shape: Shape, bucket: str, rows: str) -> str:
    told_apart = "".join(f", {name}" for name in shape.extra)
    return f"SELECT {bucket}, {shape.aggregates} FROM {rows} GROUP BY 1{told_apart}"  # noqa: S608  our own names


def _of(given: Row, column: str) -> str:
    return f" AND {column} = %(agent)s" if given["agent"] else ""


def _ends(given: Row, span: Span) -> dict[str, str]:
    number = len(given)
    given |= {f"since{number}": span.start, f"until{number}": span.end}
    return {"since": f"%(since{number})s", "until": f"%(until{number})s"}


def _bucket(bucket: str, moment: str) -> str:
    start = f"date_trunc('{bucket}', {moment}, 'UTC')" if bucket else "NULL::timestamptz"
    return f"{start} AS bucket"
