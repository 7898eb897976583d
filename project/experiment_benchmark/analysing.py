"""What one more look costs an experiment that has many units already."""

from __future__ import annotations

import os
import random
import resource
import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone

from experiments.models import Experiment, OutcomeProgress
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import arm_of
from experiments.services.creation import create_experiment, halves
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import start_experiment
from experiments.services.outcome_columns import layout_of
from experiments.services.outcome_sql import COUNTS, counts_of_rows, sums_of_rows
from learning.models import Agent, AgentConfig, AgentFeedback, ConfigStatus, Execution
from learning.services.agents import create_first_config
from learning.services.executions import log_executions
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import own_cluster

CHUNK, NEW, BACK, LOOKS = 250_000, 8_000, 2_000, 5
TABLES = (
    "experiments_exposure", "experiments_unitoutcome", "learning_execution", "learning_agentfeedback",
)  # fmt: skip
# What a load need not wait for in a database that is thrown away. No row is read differently.
FOREIGN = """SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
  AND conrelid = ANY(%s::regclass[])"""
# Rows of 20 days ago: every third user gave a thumb, up for 60 %. n counts the units from 0; odd ones are treated.
KEYS = """SELECT n, n %% 2 AS arm, 'u' || n AS unit, %(moment)s::timestamptz AS moment,
  (lpad(to_hex((extract(epoch FROM %(moment)s::timestamptz) * 1000)::bigint), 12, '0') || '7'
    || lpad(to_hex(n), 19, '0'))::uuid AS id FROM generate_series(%(first)s::bigint, %(last)s::bigint) n"""
EXPOSED = f"""INSERT INTO experiments_exposure (id, organization_id, created_at, updated_at, experiment_id, variant_id,
  unit, exposed_at, propensity) SELECT id, %(organization)s, moment, moment, %(experiment)s,
  (%(variants)s::uuid[])[arm + 1], unit, moment, 0.5 FROM ({KEYS}) k"""  # noqa: S608
RAN = f"""INSERT INTO learning_execution (id, organization_id, created_at, updated_at, agent_id, external_id, config_id,
  variant, "user", input, context, output, status, duration_ms, metadata, started_at)
  SELECT id, %(organization)s, moment, moment, %(agent)s, 'x' || n, (%(configs)s::uuid[])[arm + 1],
  (%(keys)s::text[])[arm + 1], unit, '', '{{}}', '', 'completed', 100 + n %% 50, '{{}}', moment FROM ({KEYS}) k"""  # noqa: S608
SAID = f"""INSERT INTO learning_agentfeedback (id, organization_id, created_at, updated_at, agent_id, execution_id,
  execution_external_id, "user", feedback_type, feedback_text, correction_text, issue_categories, consent, digest)
  SELECT id, %(organization)s, moment, moment, %(agent)s, id, '', unit,
  CASE WHEN n %% 5 < 3 THEN 'thumbs_up' ELSE 'thumbs_down' END, '', '', '{{}}', true, '' FROM ({KEYS}) k
  WHERE n %% 3 = 0"""  # noqa: S608
UNITS = f"""INSERT INTO experiments_unitoutcome (id, organization_id, created_at, updated_at, experiment_id, arm,
  stratum, crossed, rated, values) SELECT id, %(organization)s, moment, moment, %(experiment)s, arm, 0, false,
  n %% 3 = 0, ARRAY[CASE WHEN n %% 3 <> 0 THEN 0 WHEN n %% 5 < 3 THEN 1 ELSE -1 END, 0, 0, 0, 0, 0]::float8[]
  FROM ({KEYS}) k"""  # noqa: S608


@dataclass
class Stand:
    """One experiment, and how many units it has."""

    organization_id: Any
    agent: Agent
    experiment: Experiment
    units: int = 0
    rounds: int = 0


@dataclass(frozen=True)
class Measured:
    """Seconds of a look at 10,000 changed units, the median of a few; of that on a processor, which other programs do
    not stretch; pages (8 KB) that the database did not have in its cache, each of which may be a wait for the disk; and
    megabytes: of this process at the most, and of the database's process that works for it."""

    units: int
    seconds: float
    processor_seconds: float
    pages: float
    process_mb: float
    server_mb: float


def as_owner(statement: str) -> None:
    with psycopg.connect(own_cluster().database_url("owner"), autocommit=True) as owner:
        owner.execute(statement)  # type: ignore[call-overload]  # our own statements


def make_stand() -> Stand:
    """An experiment that started 30 days ago. Without the keys and triggers that a load would wait for."""
    with psycopg.connect(own_cluster().database_url("owner"), autocommit=True) as owner:
        for table, name in owner.execute(FOREIGN, [list(TABLES)]).fetchall():
            owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')  # type: ignore[arg-type]  # our own names
        for table in TABLES:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
    organization = create_organization(name="Bench", slug="bench")
    with organization_scope(organization.id):
        agent = Agent.objects.create(external_id="agent", name="Agent")
        current = create_first_config(agent=agent, content={"system_prompt": "current"})
        deploy_config(agent=agent, config=current)
        candidate = AgentConfig.objects.create(
            agent=agent, number=2, content={"system_prompt": "new"}, content_hash="2", status=ConfigStatus.APPROVED
        )
        draft = create_experiment(agent=agent, name="Bench", arms=halves(candidate=candidate, control=current))
        experiment = start_experiment(experiment=draft)
        Experiment.objects.filter(pk=experiment.pk).update(started_at=timezone.now() - timedelta(days=30))
        experiment.refresh_from_db()
    return Stand(organization.id, agent, experiment)


def grow(stand: Stand, units: int) -> None:
    """Give the experiment so many units, with their executions and feedback, as if they had been read in long ago."""
    while stand.units < units:
        last = min(stand.units + CHUNK, units) - 1
        with organization_scope(stand.organization_id):
            given = parameters(stand) | {"first": stand.units, "last": last}
            with connection.cursor() as cursor:
                for statement in (EXPOSED, RAN, SAID, UNITS):
                    cursor.execute(statement, given)
        stand.units = last + 1
    with organization_scope(stand.organization_id):
        _sum_up(stand)


def parameters(stand: Stand) -> dict[str, Any]:
    variants = list(stand.experiment.variants.order_by("position"))
    return {
        "organization": stand.organization_id,
        "experiment": stand.experiment.pk,
        "agent": stand.agent.pk,
        "variants": [variant.pk for variant in variants],
        "keys": [variant.key for variant in variants],
        "configs": [variant.config_id for variant in variants],
        "moment": timezone.now() - timedelta(days=20),
    }


def measure_looks(stand: Stand) -> Measured:
    """A few looks, each after 10,000 users have come: 8,000 new ones, and 2,000 that were there before."""
    found, worked, read = [], [], []
    for _ in range(LOOKS):
        _come(stand)
        pages = _pages_read()
        with organization_scope(stand.organization_id):
            pid = _backend()
            started, before = time.perf_counter(), time.process_time() + _processor(pid)
            analyse_experiment(experiment=stand.experiment)
            found.append(time.perf_counter() - started)
            worked.append(time.process_time() + _processor(pid) - before)
            server = _peak(pid)
        read.append(_pages_read() - pages)
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, processor = statistics.median(found), statistics.median(worked)
    return Measured(stand.units, seconds, processor, statistics.median(read), process, server)


def _come(stand: Stand) -> None:
    stand.rounds += 1
    begun = timezone.now()
    rng = random.Random(stand.rounds)
    with organization_scope(stand.organization_id):
        variants = list(stand.experiment.variants.order_by("position"))
        keys = [variant.key for variant in variants]
        configs = {variant.key: variant.config_id for variant in variants}
        users = [f"new-{stand.rounds}-{number}" for number in range(NEW)]
        arms = {user: arm_of(stand.experiment, variants, user) or keys[0] for user in users}
        arms |= {f"u{number}": keys[number % 2] for number in rng.sample(range(stand.units), BACK)}
        rows = [
            {"agent_id": "agent", "user_id": user, "variant": arm, "config_id": configs[arm], "duration_ms": 120.0}
            for user, arm in arms.items()
        ]
        for first in range(0, len(rows), 1000):
            ids = [outcome.stored_id() for outcome in log_executions(items=rows[first : first + 1000])]
            executions = Execution.objects.filter(pk__in=rng.sample(ids, 300)).only("id", "user", "agent_id")
            AgentFeedback.objects.bulk_create(
                AgentFeedback(agent=stand.agent, execution=one, user=one.user, feedback_type="thumbs_up")
                for one in executions
            )
    # What came in the last minute is read again in life; how much that is depends on the traffic, not on the units.
    with organization_scope(stand.organization_id):
        OutcomeProgress.objects.update(read_until=begun)


def _sum_up(stand: Stand) -> None:
    """The sums and counts of the rows, as looks would have left them."""
    given = {"organization": stand.organization_id, "experiment": stand.experiment.pk}
    with connection.cursor() as cursor:
        for table in ("outcomesum", "armcount", "outcomeprogress"):
            cursor.execute(f"DELETE FROM experiments_{table}")  # noqa: S608  our own names
        head = "id, organization_id, created_at, updated_at, experiment_id"
        values = "gen_random_uuid(), %(organization)s, now(), now(), %(experiment)s"
        rows = sums_of_rows(layout_of(stand.experiment.metrics))
        cursor.execute(
            f"INSERT INTO experiments_outcomesum ({head}, arm, stratum, metric, n, totals, products, levels)"  # noqa: S608
            f" SELECT {values}, d.* FROM ({rows}) d",
            given,
        )
        names = ", ".join(COUNTS)
        cursor.execute(
            f"INSERT INTO experiments_armcount ({head}, arm, stratum, {names})"  # noqa: S608
            f" SELECT {values}, d.* FROM ({counts_of_rows()}) d",
            given,
        )
        cursor.execute(
            f"INSERT INTO experiments_outcomeprogress ({head}, read_until) SELECT {values}, now() - interval '10 min'",
            given,
        )


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _pages_read() -> int:
    """Of tables and their indexes, by the statements of this program so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(read_bytes) / 8192 FROM pg_stat_io WHERE backend_type = 'client backend'")
        return int(cursor.fetchone()[0])


def _processor(pid: int) -> float:
    """Seconds that the process has worked so far, in the kernel's name too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """Megabytes of memory of its own (without what all processes share) that the process has now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon",))) / 1024
