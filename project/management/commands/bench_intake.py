"""`manage.py bench_intake`: feedback over HTTP, against what the database alone does with the same rows."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.management.base import CommandParser

from learning.models import Agent
from learning.services.executions import log_execution
from organizations.keys import create_api_key
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report, Side, median_ratio, own_cluster, take_turns
from project.load.limits import Rows
from project.load.tool import Load, Sent, send, tool_name
from project.load.usage import cpu_seconds, memory_mb
from project.services import programs
from project.services.children import Child
from project.services.local_model import free_port
from project.services.options import Options
from project.services.ports import answers

SINGLE_CONNECTIONS, BATCH_CONNECTIONS, LARGE, SMALL = 16, 4, 1000, 100
START_ROWS = 10_000
NO_RATE_LIMIT = {"INTAKE_RATE_PER_MINUTE": "1000000000"}  # counted all the same
ITEM: dict[str, Any] = {
    "agent_id": "bench", "execution_id": "exec-1", "feedback_type": "star_rating", "rating": 4, "user_id": "user-1",
    "feedback_text": "Right and short.",
}  # fmt: skip


@dataclass
class Site:
    """The web server under load, and the rows of the database behind it."""

    web: Child
    address: str
    key: str
    rows: Rows
    sent: dict[str, list[Sent]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        if self.web.pid is None:
            raise RuntimeError(f"The web server has ended. See {self.web.log}.")
        return self.web.pid

    def single(self, seconds: float) -> float:
        """Requests per second."""
        return self._send("single", "feedback", ITEM, 201, SINGLE_CONNECTIONS, seconds)

    def batch(self, size: int, seconds: float) -> float:
        """Rows per second."""
        body = {"items": [ITEM] * size}
        return size * self._send(f"batch_{size}", "feedback/batch", body, 200, BATCH_CONNECTIONS, seconds)

    def _send(self, name: str, path: str, body: Any, expected: int, connections: int, seconds: float) -> float:
        address = f"{self.address}api/learning/{path}"
        before = cpu_seconds(self.pid)
        sent = send(Load(address, self.key, json.dumps(body).encode(), expected, connections), seconds)
        self.cpu_ms.setdefault(name, []).append((cpu_seconds(self.pid) - before) * 1000 / sent.requests)
        self.sent.setdefault(name, []).append(sent)
        return sent.rate


class Command(BenchCommand):
    help = "Feedback by POST per second, single and in batches, against pgbench's INSERT and COPY of the same rows."
    wants_broker = True  # the rate limit counts there
    durable = True  # both sides wait for the disk

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rows", type=int, help="Rows to grow to: 10,000,000, or 100,000 with --quick.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.rows = options["rows"] or (100_000 if options["quick"] else 10_000_000)
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        seconds, repeats = (2.0, 2) if quick else (5.0, 5)
        rows, key = _prepare()
        options = replace(Options.from_environment(), port=free_port())
        program = programs.web(options)
        web = Child(replace(program, environment={**program.environment, **NO_RATE_LIMIT}), own_cluster().place)
        web.start()
        try:
            while not answers(options.address):
                time.sleep(0.1)
            site = Site(web, options.address, key, rows)
            site.single(seconds / 2)  # each connection of the server has prepared what it needs
            rows.fill(START_ROWS)
            site.sent.clear()
            site.cpu_ms.clear()
            few = _take_turns(site, seconds, repeats)
            figures = _figures(site, few)
            rows.fill(max(0, self.rows - START_ROWS))
            many = _take_turns(site, seconds, repeats)
        finally:
            web.stop()
        return _report(figures | _growth(few, many) | {"grown_to": self.rows}, seconds, repeats)


Rates = Mapping[str, list[float]]


def _take_turns(site: Site, seconds: float, repeats: int) -> Rates:
    sides = [
        Side("single", lambda: site.single(seconds)),
        Side("pgbench", lambda: site.rows.insert_rate(SINGLE_CONNECTIONS, seconds)),
        Side("large", lambda: site.batch(LARGE, seconds)),
        Side("copy_large", lambda: site.rows.copy_rate(BATCH_CONNECTIONS, round(2 * seconds), LARGE)),
        Side("small", lambda: site.batch(SMALL, seconds)),
        Side("copy_small", lambda: site.rows.copy_rate(BATCH_CONNECTIONS, round(20 * seconds), SMALL)),
    ]
    return take_turns(sides, repeats)


def _figures(site: Site, rates: Rates) -> dict[str, Any]:
    rss, pss = memory_mb(site.pid)
    middle = statistics.median
    return {
        "single_rps": round(middle(rates["single"]), 1),
        "single_p50_ms": round(middle(sent.p50_ms for sent in site.sent["single"]), 2),
        "single_p99_ms": round(middle(sent.p99_ms for sent in site.sent["single"]), 2),
        "single_cpu_ms": round(middle(site.cpu_ms["single"]), 3),
        "pgbench_tps": round(middle(rates["pgbench"]), 1),
        "single_ratio": round(median_ratio(rates["single"], rates["pgbench"]), 4),
        "batch_rows_per_s": round(middle(rates["large"])),
        "copy_rows_per_s": round(middle(rates["copy_large"])),
        "batch_ratio": round(median_ratio(rates["large"], rates["copy_large"]), 4),
        "batch_p99_ms": round(middle(sent.p99_ms for sent in site.sent[f"batch_{LARGE}"]), 1),
        "batch_100_rows_per_s": round(middle(rates["small"])),
        "copy_100_rows_per_s": round(middle(rates["copy_small"])),
        "batch_100_ratio": round(median_ratio(rates["small"], rates["copy_small"]), 4),
        "rss_mb": round(rss, 1),
        "pss_mb": round(pss, 1),
        "load_tool": tool_name(),
    }


def _growth(few: Rates, many: Rates) -> dict[str, float]:
    """How many times slower with many rows stored; the limits grow slower too, and stand beside."""
    return {
        f"growth_{name}": round(statistics.median(few[name]) / statistics.median(many[name]), 3)
        for name in ("single", "large", "pgbench", "copy_large")
    }


def _report(figures: dict[str, Any], seconds: float, repeats: int) -> Report:
    told = {name: str(value) for name, value in figures.items()}
    return Report(
        title=f"Intake of feedback: {repeats} turns of {seconds:g} s, by {told['load_tool']}",
        rows=[
            ("", "per second", "limit", "ratio", "growth", "of the limit"),
            (
                f"single, {SINGLE_CONNECTIONS} connections, requests; limit pgbench INSERT",
                *(told[name] for name in ("single_rps", "pgbench_tps", "single_ratio", "growth_single")),
                told["growth_pgbench"],
            ),
            (
                f"batches of {LARGE}, {BATCH_CONNECTIONS} connections, rows; limit COPY",
                *(told[name] for name in ("batch_rows_per_s", "copy_rows_per_s", "batch_ratio", "growth_large")),
                told["growth_copy_large"],
            ),
            (
                f"batches of {SMALL}, {BATCH_CONNECTIONS} connections, rows; limit COPY",
                *(told[name] for name in ("batch_100_rows_per_s", "copy_100_rows_per_s", "batch_100_ratio")),
                "",
                "",
            ),
        ],
        figures=figures,
        notes=[
            f"Single: p50 {told['single_p50_ms']} ms, p99 {told['single_p99_ms']} ms, {told['single_cpu_ms']} ms of the"
            f" server's processor time. A batch of {LARGE}: p99 {told['batch_p99_ms']} ms.",
            f"The web service with its workers: {told['rss_mb']} MB resident, {told['pss_mb']} MB with shared pages"
            " counted once.",
            f"Growth: times slower with {figures['grown_to']:,} rows than with {START_ROWS:,}.",
            "Clients, web server and database share the machine. fsync and synchronous_commit are on for both sides;"
            " row-level security, key check and rate limit for ours alone.",
        ],
    )


def _prepare() -> tuple[Rows, str]:
    organization = create_organization(name="Bench", slug="bench")
    with organization_scope(organization.id):
        agent = Agent.objects.create(external_id=ITEM["agent_id"], name="Bench")
        run = {"agent_id": ITEM["agent_id"], "execution_id": ITEM["execution_id"], "input": "in", "output": "out"}
        execution = log_execution(item=run).stored_id()
        key = create_api_key(name="bench")[1]
    return Rows(own_cluster().place, str(organization.id), str(agent.pk), str(execution)), key
