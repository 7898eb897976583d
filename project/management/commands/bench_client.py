"""`manage.py bench_client`: what the Python client costs an application, and how fast its items reach the server."""

from __future__ import annotations

import json
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from learning.models import Agent, Execution
from organizations.keys import create_api_key
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report, Side, own_cluster, quantile, take_turns
from project.demo.client import Background, Client
from project.services import programs
from project.services.children import Child
from project.services.local_model import free_port
from project.services.options import Options
from project.services.ports import answers

QUESTION = "Where is my parcel? I ordered it on Monday and it should have come two days ago. " * 3
ANSWER = "It left our warehouse today; it will be with you on Thursday or on Friday at the latest. " * 3
FIELDS: dict[str, Any] = {
    "agent": "bench",
    "input": QUESTION,
    "output": ANSWER,
    "user_id": "user-7",
    "duration_ms": 812,
}
NO_RATE_LIMIT = {"INTAKE_RATE_PER_MINUTE": "1000000000"}
AWAY = "http://127.0.0.1:9"  # nobody listens


class Command(BenchCommand):
    help = "Microseconds per execution that the Python client logs in the background, and rows per second that arrive."
    wants_broker = True  # the rate limit counts there

    def measure(self, quick: bool) -> Report:
        calls, repeats, rows = (2_000, 5, 2_000) if quick else (10_000, 11, 20_000)
        costs = _costs(calls, repeats)
        organization = create_organization(name="Bench", slug="bench")
        with organization_scope(organization.id):
            Agent.objects.create(external_id="bench", name="Bench")
            key = create_api_key(name="bench")[1]
        options = replace(Options.from_environment(), port=free_port())
        child = Child(replace(programs.web(options), environment=NO_RATE_LIMIT), own_cluster().place)
        child.start()
        try:
            while not answers(options.address):
                time.sleep(0.1)
            background = [_background_rate(options.address, key, rows) for _ in range(3)]
            waiting = _waiting_rate(options.address, key, rows // 20)
        finally:
            child.stop()
        with organization_scope(organization.id):
            stored = Execution.objects.count()
        expected = 3 * rows + rows // 20
        if stored != expected:
            raise RuntimeError(f"{stored} executions are stored; {expected} were sent.")
        return _report(costs, statistics.median(background), waiting, calls)


def _costs(calls: int, repeats: int) -> dict[str, list[float]]:
    """Microseconds a call by way of logging, while the server is away: the worst case for the caller."""
    client = Client(AWAY, "sk_bench", timeout=1, background=Background(capacity=calls, interval=1, exit_timeout=0.1))

    @client.recorded("bench", input_argument="question", user_argument="user")
    def answer(question: str, user: str) -> str:
        return ANSWER

    def block() -> None:
        with client.record("bench", input=QUESTION, user_id="user-7") as execution:
            execution.output = ANSWER

    ways: dict[str, Callable[[], object]] = {
        "json.dumps of the body (limit)": lambda: json.dumps({"execution_id": str(uuid.uuid4())} | FIELDS).encode(),
        "log_execution": lambda: client.log_execution(**FIELDS),
        "record": block,
        "recorded": lambda: answer(QUESTION, "user-7"),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    sides = [Side(name, partial(_each, work, calls, found[name])) for name, work in ways.items()]
    take_turns(sides, repeats)
    client.close()
    return found


def _each(work: Callable[[], object], calls: int, found: list[float]) -> float:
    """Do it so many times, a little apart as requests are; each one's microseconds go into `found`."""
    for number in range(calls):
        started = time.perf_counter_ns()
        work()
        found.append((time.perf_counter_ns() - started) / 1000)
        if number % 100 == 0:
            time.sleep(0.001)
    return statistics.median(found)


def _background_rate(address: str, key: str, rows: int) -> float:
    """Executions per second, from the first call until the server has acknowledged the last."""
    with Client(address, key, background=Background(capacity=rows, batch_size=500)) as client:
        started = time.perf_counter()
        for _ in range(rows):
            client.log_execution(**FIELDS)
        if not client.flush(120) or client.counts.stored != rows:
            raise RuntimeError(f"Not all of it arrived: {client.counts}")
        return rows / (time.perf_counter() - started)


def _waiting_rate(address: str, key: str, rows: int) -> float:
    """The same by calls that wait for each answer."""
    with Client(address, key) as client:
        started = time.perf_counter()
        for _ in range(rows):
            client.log_execution(**FIELDS)
        return rows / (time.perf_counter() - started)


def _report(costs: dict[str, list[float]], background: float, waiting: float, calls: int) -> Report:
    rows = [("a call in the background", "p50 µs", "p99 µs")]
    rows += [(name, f"{quantile(found, 0.5):.1f}", f"{quantile(found, 0.99):.1f}") for name, found in costs.items()]
    rows += [("", "", ""), ("executions per second to the server", "", "")]
    rows += [
        ("in the background, batches of 500", f"{background:.0f}", ""),
        ("one call at a time", f"{waiting:.0f}", ""),
    ]
    figures: dict[str, float | int | str | None] = {
        "background_per_s": round(background),
        "waiting_per_s": round(waiting),
    }
    for name, found in costs.items():
        short = "limit" if "limit" in name else name
        figures |= {
            f"{short}_p50_us": round(quantile(found, 0.5), 2),
            f"{short}_p99_us": round(quantile(found, 0.99), 2),
        }
    return Report(
        title=f"The Python client: {calls} calls a turn, texts of {len(QUESTION)} and {len(ANSWER)} characters",
        rows=rows,
        figures=figures,
        notes=["Costs are measured while no server answers. Client, web server and database share the machine."],
    )
