"""Exposures that came with executions: an application that reports the variant it used needs no other call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from uuid_utils.compat import uuid7

from experiments.bucketing import assign
from experiments.models import Experiment, ExperimentKind, Variant
from experiments.models.experiments import split_of
from experiments.services.outcome_sql import ARMS
from experiments.services.unit_values import Source
from organizations.cursors import whole_cursor

BATCH = 10_000  # units in one statement

# Executions of an A/A, which serves nothing, belong to it whatever they name.
NAMED = """ AND EXISTS (SELECT 1 FROM arms a WHERE a.key = e.variant
  AND (e.config_id IS NULL OR e.config_id = a.config_id))"""
CAME = """SELECT {unit} AS unit, e.created_at AS first FROM learning_execution e
  WHERE e.organization_id = %(organization)s AND e.agent_id = %(agent)s AND e.id >= %(first)s{recent}{named}"""
RECENT = " AND e.id >= %(since_id)s AND e.created_at >= %(since)s"
MARKED = """SELECT m.unit, x.created_at AS first FROM unnest(%(marked)s::text[]) AS m(unit) CROSS JOIN LATERAL (
  SELECT e.created_at FROM learning_execution e WHERE e.organization_id = %(organization)s
    AND e.agent_id = %(agent)s AND {unit} = m.unit AND e.id >= %(first)s{named} OFFSET 0) x"""
# Scalar queries, so that each unit is looked up in the index and the millions who are there already are never read.
NEW = """WITH {arms}, came AS ({came})
SELECT c.unit, c.first FROM (SELECT unit, min(first) AS first FROM came WHERE unit <> '' GROUP BY unit) c
WHERE (SELECT p.id FROM experiments_exposure p WHERE p.organization_id = %(organization)s
    AND p.experiment_id = %(experiment)s AND p.unit = c.unit) IS NULL
  AND (SELECT f.id FROM experiments_forcedassignment f WHERE f.organization_id = %(organization)s
    AND f.experiment_id = %(experiment)s AND f.unit = c.unit) IS NULL"""
EXPOSE = """INSERT INTO experiments_exposure
  (id, organization_id, created_at, updated_at, experiment_id, variant_id, unit, exposed_at, propensity)
SELECT u.id, %(organization)s, clock_timestamp(), clock_timestamp(), %(experiment)s, u.variant, u.unit, u.first, u.share
FROM unnest(%(ids)s::uuid[], %(variants)s::uuid[], %(units)s::text[], %(moments)s::timestamptz[], %(shares)s::float8[])
  AS u(id, variant, unit, first, share) ON CONFLICT DO NOTHING"""


def record_reported_exposures(
    *, experiment: Experiment, variants: Sequence[Variant], source: Source, given: Mapping[str, Any]
) -> int:
    """Expose the units whose executions named an arm; how many were new.

    `given` are the parameters of a look: of executions that were stored before its `since` only those of its `marked`
    units are read. The arm is the assigned one, whatever the application says it used: the look finds who saw another.
    A bandit assigns on the server, where it exposes too, so that executions tell nothing new of it.
    """
    if experiment.kind == ExperimentKind.BANDIT:
        return 0
    found = 0
    with whole_cursor() as cursor:  # never millions of units at once
        cursor.execute(_new_units(source, given), given)
        while rows := cursor.fetchmany(BATCH):
            found += _expose(list(_assigned(experiment, variants, rows)), given)
    return found


def _new_units(source: Source, given: Mapping[str, Any]) -> str:
    named = NAMED if source.by_variant else ""
    came = [CAME.format(unit=source.unit, recent=RECENT if given["since"] else "", named=named)]
    if given["marked"]:
        came.append(MARKED.format(unit=source.unit, named=named))
    return NEW.format(arms=ARMS, came=" UNION ALL ".join(came))


def _assigned(
    experiment: Experiment, variants: Sequence[Variant], rows: Sequence[tuple[str, datetime]]
) -> Iterator[tuple[Variant, str, datetime, float]]:
    """Variant, unit, first execution and propensity of those who take part."""
    by_key, split, slot = {variant.key: variant for variant in variants}, split_of(list(variants)), experiment.slot
    for unit, first in rows:
        try:
            key = assign(experiment.salt, unit, experiment.coverage, split, slot)
        except ValueError:
            continue  # no client of ours can have been told an arm for this unit
        if key is not None:
            yield by_key[key], unit, first, split.propensity(key)


def _expose(rows: Sequence[tuple[Variant, str, datetime, float]], given: Mapping[str, Any]) -> int:
    arrays: dict[str, Any] = {
        "ids": [uuid7() for _ in rows],
        "variants": [variant.pk for variant, _, _, _ in rows],
        "units": [unit for _, unit, _, _ in rows],
        "moments": [first for _, _, first, _ in rows],
        "shares": [share for _, _, _, share in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(EXPOSE, {**given, **arrays})
        return int(cursor.rowcount)
