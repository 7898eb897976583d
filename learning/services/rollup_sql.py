"""The statements around the sums of feedback. One definition of each number serves the job and the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from learning.models import FeedbackType

DIMENSIONS = ("accuracy", "helpfulness", "clarity", "completeness")
# A thumb is a rating, and so are stars with whatever type of feedback they came. A thumb outweighs the stars beside it.
RATED = "f.feedback_type IN ('thumbs_up', 'thumbs_down') OR f.rating IS NOT NULL"
POSITIVE = "f.feedback_type = 'thumbs_up' OR (f.rating >= 4 AND f.feedback_type <> 'thumbs_down')"
NEGATIVE = "f.feedback_type IN ('thumbs_down', 'report_issue') OR f.rating <= 2"


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


def _mean_of(column: str) -> dict[str, str]:
    return {f"{column}_sum": f"coalesce(sum(f.{column}), 0)", f"{column}_count": f"count(f.{column})"}


@dataclass(frozen=True)
class Shape:
    """One table of sums: its numbers by column, each as an aggregate of rows `f`, and what they are told apart by."""

    table: str
    numbers: Mapping[str, str]
    extra: tuple[str, ...] = ()
    source: str = ""  # joined to the rows

    @property
    def columns(self) -> str:
        return ", ".join((*self.extra, *self.numbers))

    @property
    def aggregates(self) -> str:
        return ", ".join((*self.extra, *(f"{value} AS {name}" for name, value in self.numbers.items())))

    def totals(self, sign: str = "") -> str:
        return ", ".join((*self.extra, *(f"{sign}{name}" for name in self.numbers)))

    def sums(self) -> str:
        return ", ".join((*self.extra, *(f"sum({name})" for name in self.numbers)))


FEEDBACK = Shape(
    "learning_feedbackrollup",
    {
        "total": "count(*)",
        **{name: _count(f"f.feedback_type = '{name}'") for name in FeedbackType.values},
        "rated": _count(RATED),
        "positive": _count(POSITIVE),
        "negative": _count(NEGATIVE),
        **{key: value for column in ("rating", *DIMENSIONS) for key, value in _mean_of(column).items()},
    },
)
ISSUES = Shape(
    "learning_feedbackissuerollup",
    {"total": "count(*)", **_mean_of("rating")},
    ("category",),
    "CROSS JOIN LATERAL unnest(f.issue_categories) AS issue(category)",
)
SHAPES = (FEEDBACK, ISSUES)

# OFFSET 0 keeps these look-ups by agent and time in the index (organization, agent, created_at), however wrong the
# planner's guess of the number of rows.
ROWS = """(learning_agent a CROSS JOIN LATERAL (
  SELECT * FROM learning_agentfeedback x WHERE x.organization_id = %(organization)s AND x.agent_id = a.id
    AND x.created_at >= {since} AND x.created_at < {until} OFFSET 0) f) {source}
  WHERE a.organization_id = %(organization)s"""
ROWS_OF_HOURS = """({hours} AS d(agent_id, hour) CROSS JOIN LATERAL (
  SELECT * FROM learning_agentfeedback x WHERE x.organization_id = %(organization)s AND x.agent_id = d.agent_id
    AND x.created_at >= d.hour AND x.created_at < least(d.hour + interval '1 hour', {until}) OFFSET 0) f) {source}"""
GIVEN_HOURS = "unnest(%(agents)s::uuid[], %(hours)s::timestamptz[])"

INSERT = """INSERT INTO {s.table} (id, organization_id, created_at, updated_at, agent_id, grain, start, {s.columns})
SELECT gen_random_uuid(), %(organization)s, now(), now(), """
BY_HOUR = """f.agent_id, 'hour', date_trunc('hour', f.created_at, 'UTC'), {s.aggregates}
FROM {rows} GROUP BY {told_apart}"""
ADD = " ON CONFLICT (organization_id, agent_id, grain, start{extra}) DO UPDATE SET updated_at = now(), {added}"
# The same for sums: one look-up for each marked hour or day, and not a walk over all hours there are.
SUMS_OF_HOURS = """({hours} AS d(agent_id, hour) CROSS JOIN LATERAL (
  SELECT * FROM {table} x WHERE x.organization_id = %(organization)s AND x.agent_id = d.agent_id
    AND x.grain = 'hour' AND x.start = d.hour OFFSET 0) r)"""
FORGET_HOURS = "DELETE FROM {s.table} WHERE organization_id = %(organization)s AND id IN (SELECT r.id FROM {sums})"
FORGET_DAYS = """DELETE FROM {s.table} WHERE organization_id = %(organization)s AND grain = 'day'
AND start = ANY(%(days)s::timestamptz[])"""
BY_DAY = """r.agent_id, 'day', d.day, {sums} FROM unnest(%(days)s::timestamptz[]) AS d(day) CROSS JOIN LATERAL (
  SELECT * FROM {s.table} x WHERE x.organization_id = %(organization)s AND x.grain = 'hour'
    AND x.start >= d.day AND x.start < d.day + interval '24 hours' OFFSET 0) r
GROUP BY r.agent_id, d.day{extra}"""


def add_rows(shape: Shape) -> str:
    """Add the rows from %(since)s to before %(until)s to the sums of their hours."""
    rows = ROWS.format(since="%(since)s", until="%(until)s", source=shape.source)
    added = ", ".join(f"{name} = {shape.table}.{name} + EXCLUDED.{name}" for name in shape.numbers)
    return _hours(shape, rows) + ADD.format(extra=_after(shape.extra), added=added)


def add_new_rows(shape: Shape) -> str:
    """The same, without the rows that were counted before their texts were removed."""
    return add_rows(shape).replace(" OFFSET 0", " AND x.removed_at IS NULL OFFSET 0", 1)


def sum_hours_again(shape: Shape) -> tuple[str, str]:
    """Make the sums of %(hours)s of %(agents)s anew, of the rows before %(until)s."""
    sums = SUMS_OF_HOURS.format(hours=GIVEN_HOURS, table=shape.table)
    rows = ROWS_OF_HOURS.format(hours=GIVEN_HOURS, until="%(until)s", source=shape.source)
    return FORGET_HOURS.format(s=shape, sums=sums), _hours(shape, rows)


def sum_days_again(shape: Shape) -> tuple[str, str]:
    """Make the sums of %(days)s anew out of those of their hours."""
    by_day = BY_DAY.format(s=shape, sums=shape.sums(), extra=_after(shape.extra))
    return FORGET_DAYS.format(s=shape), INSERT.format(s=shape) + by_day


def _hours(shape: Shape, rows: str) -> str:
    told_apart = "f.agent_id, date_trunc('hour', f.created_at, 'UTC')" + _after(shape.extra)
    return INSERT.format(s=shape) + BY_HOUR.format(s=shape, rows=rows, told_apart=told_apart)


def _after(names: tuple[str, ...]) -> str:
    return "".join(f", {name}" for name in names)
