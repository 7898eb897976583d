"""The statements that keep the outcomes of units and their sums by arm.

One statement looks at a batch of units: it finds their values anew, writes what differs from their rows, and moves the
sums by the difference. Values are found from everything there is about a unit and never added to, so it does no harm to
look at a unit twice, and after a crash the next look does what this one did not.
"""

from __future__ import annotations

from experiments.services.outcome_columns import Layout
from experiments.services.unit_values import Source, found

ARMS = """arms AS (
  SELECT v.id, v.key, v.config_id, v.position, v.buckets FROM experiments_variant v
  WHERE v.organization_id = %(organization)s AND v.experiment_id = %(experiment)s)"""
TARGETS = """targets AS (
  SELECT e.id, e.unit, e.exposed_at, a.key, a.config_id, a.position AS arm, e.revision AS stratum,
    e.crossed_at IS NOT NULL AS crossed
  FROM experiments_exposure e JOIN arms a ON a.id = e.variant_id
  WHERE e.organization_id = %(organization)s AND e.id = ANY(%(ids)s::uuid[]) AND NOT e.forced
    AND NOT EXISTS (SELECT 1 FROM experiments_forcedassignment f WHERE f.organization_id = e.organization_id
      AND f.experiment_id = e.experiment_id AND f.unit = e.unit))"""
STORED = """stored AS (
  SELECT u.id, u.arm, u.stratum, u.crossed, u.due_at, u.rated, u.values FROM experiments_unitoutcome u
  WHERE u.organization_id = %(organization)s AND u.id = ANY(%(ids)s::uuid[]))"""
COLUMNS = ("arm", "stratum", "crossed", "due_at", "rated", "values")
# What was found (no arm: no longer counted) beside a row that is not that (no old arm: not there yet). Whoever looks
# holds the progress row, so rows are what they were when they are written. ON CONFLICT ... WHERE would lock, and so
# write, all of them.
DIFFERING = """differing AS (
  SELECT id, {columns} FROM found f FULL JOIN stored s USING (id) WHERE ({own}) IS DISTINCT FROM ({given}))"""
WRITE = """written AS (
  INSERT INTO experiments_unitoutcome AS u
    (id, organization_id, created_at, updated_at, experiment_id, {names})
  SELECT id, %(organization)s, now(), now(), %(experiment)s, {names} FROM differing WHERE arm IS NOT NULL
  ON CONFLICT (id) DO UPDATE SET updated_at = now(), {changed}
  RETURNING 1)"""
# A unit that is no longer counted (it has turned out to be a tester's) is taken back.
REMOVE = """removed AS (
  DELETE FROM experiments_unitoutcome u WHERE u.organization_id = %(organization)s
    AND u.id = ANY(ARRAY(SELECT id FROM differing WHERE arm IS NULL)) RETURNING 1)"""
MOVED = """moved AS (SELECT -1 AS sign, {old} FROM differing WHERE old_arm IS NOT NULL
  UNION ALL SELECT 1 AS sign, {names} FROM differing WHERE arm IS NOT NULL)"""
COUNTS = {
    "exposed": "sum(sign)",
    "crossed": "coalesce(sum(sign) FILTER (WHERE crossed), 0)",
    "matured": "coalesce(sum(sign) FILTER (WHERE due_at IS NULL AND NOT crossed), 0)",
    "rated": "coalesce(sum(sign) FILTER (WHERE rated AND NOT crossed), 0)",
}
COUNT = """counted AS (
  INSERT INTO experiments_armcount AS c
    (id, organization_id, created_at, updated_at, experiment_id, arm, stratum, {names})
  SELECT gen_random_uuid(), %(organization)s, now(), now(), %(experiment)s, arm, stratum, {sums}
  FROM moved GROUP BY arm, stratum
  ON CONFLICT (organization_id, experiment_id, arm, stratum) DO UPDATE SET updated_at = now(), {added}
  RETURNING 1)"""
SUM = """SELECT arm, stratum, '{metric}'::text AS metric, sum(sign) AS n, ARRAY[{totals}] AS totals,
    ARRAY[{products}] AS products, ARRAY[{levels}]::bigint[] AS levels
  FROM (SELECT sign, arm, stratum, {columns} FROM {rows} WHERE NOT crossed AND values[{first}] IS NOT NULL) c
  GROUP BY arm, stratum"""
NO_SUMS = """SELECT 0 AS arm, 0 AS stratum, ''::text AS metric, 0 AS n, ARRAY[]::numeric[] AS totals,
    ARRAY[]::numeric[] AS products, ARRAY[]::bigint[] AS levels WHERE false"""
ADD = """added AS (
  INSERT INTO experiments_outcomesum AS s
    (id, organization_id, created_at, updated_at, experiment_id, arm, stratum, metric, n, totals, products, levels)
  SELECT gen_random_uuid(), %(organization)s, now(), now(), %(experiment)s, arm, stratum, metric, n, totals, products,
    levels FROM ({sums}) d
  ON CONFLICT (organization_id, experiment_id, arm, stratum, metric) DO UPDATE SET updated_at = now(),
    n = s.n + EXCLUDED.n, {entrywise}
  RETURNING 1)"""
ENTRYWISE = """{name} = (SELECT array_agg(p.a + p.b ORDER BY p.i)
      FROM unnest(s.{name}, EXCLUDED.{name}) WITH ORDINALITY AS p(a, b, i))"""
# Exact decimals: a sum from which a value is taken back is what it was before the value was added.
EXACT = "round(values[{place}]::numeric, 12)"
LEVELS = (-1, 0, 1)
ROWS = """(SELECT 1 AS sign, * FROM experiments_unitoutcome
  WHERE organization_id = %(organization)s AND experiment_id = %(experiment)s) AS units"""


def look_at_units(layout: Layout, source: Source) -> str:
    """Find the values of the units %(ids)s anew, write them, and move the sums. Returns how many rows differed."""
    parts = [*_compared(layout, source), _write(), REMOVE, _moved(), _count(), _add(layout)]
    return f"WITH {', '.join(parts)} SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM removed)"  # noqa: S608


def differing_units(layout: Layout, source: Source) -> str:
    """How many of the units %(ids)s have a row that is not what would be found now."""
    return f"WITH {', '.join(_compared(layout, source))} SELECT count(*) FROM differing"  # noqa: S608


def take_back_units(layout: Layout) -> str:
    """Remove the rows of the units %(ids)s and take them out of the sums. Returns how many there were."""
    gone = """gone AS (DELETE FROM experiments_unitoutcome u WHERE u.organization_id = %(organization)s
  AND u.id = ANY(%(ids)s::uuid[]) RETURNING u.arm, u.stratum, u.crossed, u.due_at, u.rated, u.values)"""
    moved = "moved AS (SELECT -1 AS sign, * FROM gone)"
    return f"WITH {gone}, {moved}, {_count()}, {_add(layout)} SELECT count(*) FROM gone"  # noqa: S608


def sums_of_rows(layout: Layout) -> str:
    """The sums that the rows of %(experiment)s have: arm, stratum, metric, n, totals, products, levels."""
    return _sums(layout, ROWS)


def counts_of_rows() -> str:
    """The counts that the rows of %(experiment)s have: arm, stratum, exposed, crossed, matured, rated."""
    return f"SELECT arm, stratum, {', '.join(COUNTS.values())} FROM {ROWS} GROUP BY arm, stratum"  # noqa: S608


def _compared(layout: Layout, source: Source) -> list[str]:
    own, given = (", ".join(f"{side}.{name}" for name in COLUMNS) for side in ("s", "f"))
    columns = ", ".join(f"f.{name}, s.{name} AS old_{name}" for name in COLUMNS)
    return [ARMS, TARGETS, STORED, found(layout, source), DIFFERING.format(columns=columns, own=own, given=given)]


def _write() -> str:
    return WRITE.format(
        names=", ".join(COLUMNS),
        changed=", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS),
    )


def _moved() -> str:
    return MOVED.format(names=", ".join(COLUMNS), old=", ".join(f"old_{name} AS {name}" for name in COLUMNS))


def _count() -> str:
    added = ", ".join(f"{name} = c.{name} + EXCLUDED.{name}" for name in COUNTS)
    return COUNT.format(names=", ".join(COUNTS), sums=", ".join(COUNTS.values()), added=added)


def _add(layout: Layout) -> str:
    entrywise = ", ".join(ENTRYWISE.format(name=name) for name in ("totals", "products", "levels"))
    return ADD.format(sums=_sums(layout, "moved"), entrywise=entrywise)


def _sums(layout: Layout, rows: str) -> str:
    return " UNION ALL ".join(_sum(metric, places, rows) for metric, places in layout.places.items()) or NO_SUMS


def _sum(metric: str, places: tuple[int, ...], rows: str) -> str:
    columns = range(len(places))
    return SUM.format(
        metric=metric,
        rows=rows,
        first=places[0] + 1,
        columns=", ".join(f"{EXACT.format(place=place + 1)} AS c{column}" for column, place in enumerate(places)),
        totals=", ".join(f"sum(sign * c{column})" for column in columns),
        products=", ".join(f"sum(sign * c{one} * c{other})" for one in columns for other in range(one + 1)),
        levels=", ".join(f"coalesce(sum(sign) FILTER (WHERE c0 = {level}), 0)" for level in LEVELS),
    )
