"""`manage.py bench_intake`: how fast feedback is taken in over HTTP, against the same INSERT by psycopg alone."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

from learning.models import Agent
from learning.services.feedback import INSERT
from learning.services.intake import digest_of
from organizations.keys import create_api_key
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report, Side, median_ratio, own_cluster, quantile, take_turns
from project.services import programs
from project.services.children import Child
from project.services.local_model import free_port
from project.services.options import Options
from project.services.ports import answers

CLIENTS = 4  # connections that send at the same time, on both sides
NO_RATE_LIMIT = {"INTAKE_RATE_PER_MINUTE": "1000000000"}
ITEM = {"agent_id": "bench", "feedback_type": "thumbs_up", "user_id": "user-1", "feedback_text": "Right and short."}


class Command(BenchCommand):
    help = "Feedback by POST per second, against the same INSERT by psycopg alone."
    wants_broker = True  # the rate limit counts there

    def measure(self, quick: bool) -> Report:
        seconds, repeats = (2.0, 3) if quick else (8.0, 7)
        organization_id, agent_id, key = _prepare()
        options = replace(Options.from_environment(), port=free_port())
        web = programs.web(options)
        child = Child(replace(web, environment=NO_RATE_LIMIT), own_cluster().place)
        child.start()
        try:
            while not answers(options.address):
                time.sleep(0.1)
            latencies: list[float] = []
            post = partial(_post, options.address, key, latencies)
            insert = partial(_insert, organization_id, agent_id)
            for warm_up in (post, insert):
                _rate(warm_up, seconds / 2)
            latencies.clear()
            sides = [Side("POST", partial(_rate, post, seconds)), Side("INSERT", partial(_rate, insert, seconds))]
            rates = take_turns(sides, repeats)
        finally:
            child.stop()
        return _report(rates, latencies, seconds, repeats)


def _report(rates: dict[str, list[float]], latencies: list[float], seconds: float, repeats: int) -> Report:
    ours, limit = (statistics.median(rates[name]) for name in ("POST", "INSERT"))
    ratio = median_ratio(rates["POST"], rates["INSERT"])
    p50, p95 = (quantile(latencies, share) * 1000 for share in (0.5, 0.95))
    return Report(
        title=f"Intake of feedback: {repeats} turns of {seconds:g} s, {CLIENTS} clients at a time",
        rows=[
            ("", "per second", "p50 ms", "p95 ms"),
            ("POST /api/learning/feedback", f"{ours:.0f}", f"{p50:.1f}", f"{p95:.1f}"),
            ("the same INSERT by psycopg (limit)", f"{limit:.0f}", "", ""),
            ("ratio", f"{ratio:.3f}", "", ""),
        ],
        figures={
            "feedback_per_second": round(ours, 1),
            "limit_per_second": round(limit, 1),
            "ratio": round(ratio, 4),
            "p50_ms": round(p50, 2),
            "p95_ms": round(p95, 2),
            "requests": len(latencies),
        },
        notes=[
            "Clients, web server and database share the machine; the database does not wait for the disk (fsync off)."
        ],
    )


def _prepare() -> tuple[UUID, UUID, str]:
    organization = create_organization(name="Bench", slug="bench")
    with organization_scope(organization.id):
        agent = Agent.objects.create(external_id=ITEM["agent_id"], name="Bench")
        return organization.id, agent.pk, create_api_key(name="bench")[1]


def _rate(work: Callable[[float], int], seconds: float) -> float:
    """Items per second of all clients together. `work` goes on for so many seconds and returns how many it did."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = sum(pool.map(work, [seconds] * CLIENTS))
    return done / (time.perf_counter() - started)


def _post(address: str, key: str, latencies: list[float], seconds: float) -> int:
    """One client: a kept connection, one request after the other. http.client, since it costs least."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    done, until = 0, time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        headers["Idempotency-Key"] = str(uuid7())
        connection.request("POST", "/api/learning/feedback", json.dumps(ITEM), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 201:
            raise RuntimeError(f"{response.status}: {body[:500]!r}")
        latencies.append(time.perf_counter() - started)
        done += 1
    connection.close()
    return done


def _insert(organization_id: UUID, agent_id: UUID, seconds: float) -> int:
    """One client: a connection as the application's role, one transaction an item, as a request has it."""
    done, until = 0, time.perf_counter() + seconds
    with psycopg.connect(own_cluster().database_url("app"), autocommit=True) as connection:
        while time.perf_counter() < until:
            with connection.transaction():
                connection.execute("SELECT set_config('app.organization_id', %s, true)", [str(organization_id)])
                connection.execute(INSERT, {"rows": json.dumps([_row(agent_id)]), "organization": organization_id})
            done += 1
    return done


def _row(agent_id: UUID) -> dict[str, Any]:
    empty = dict.fromkeys(("rating", "accuracy", "helpfulness", "clarity", "completeness", "execution_id"))
    return empty | {
        "id": str(uuid7()),
        "agent_id": str(agent_id),
        "execution_external_id": "",
        "user": ITEM["user_id"],
        "feedback_type": ITEM["feedback_type"],
        "feedback_text": ITEM["feedback_text"],
        "correction_text": "",
        "issue_categories": [],
        "consent": True,
        "idempotency_key": str(uuid7()),
        "digest": digest_of(ITEM),
    }
