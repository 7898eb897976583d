"""What every `manage.py bench_NAME` shares: a database cluster of its own, sides that take turns, one table at the end.

A benchmark subclasses `BenchCommand` and gives `measure(quick)`. The command starts a throw-away cluster, migrates it,
and runs itself again inside, so that it never touches the cluster with data.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from project.services.cluster import Cluster, throwaway_cluster
from project.services.errors import ServiceError
from project.services.place import PROJECT_DIR
from project.services.programs import manage

INSIDE = "ALS_BENCH_INSIDE"  # set for the run inside the cluster


@dataclass(frozen=True)
class Side:
    """One of the things compared. `run` does the work once and returns its figure, in the report's unit."""

    name: str
    run: Callable[[], float]


@dataclass(frozen=True)
class Report:
    """What a benchmark found. `rows`: the printed table, the header first. `figures`: the keys of the JSON object."""

    title: str
    rows: Sequence[Sequence[str]]
    figures: Mapping[str, Any]
    notes: Sequence[str] = field(default=())


class BenchCommand(BaseCommand, ABC):
    """A benchmark with a cluster of its own. Subclasses set `help` and implement `measure`."""

    requires_system_checks: list[str] = []  # the cluster of the first run is not the one that is measured
    wants_database = True
    wants_broker = False
    quick = "50 seconds"  # what --quick takes at most, on a quiet machine
    durable = False  # whether the cluster waits for the disk, as the product's does

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quick", action="store_true", help=f"Smaller sizes; ends within {self.quick}.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object as the last line.")

    @abstractmethod
    def measure(self, quick: bool) -> Report:
        """Run everything and report. Called inside the benchmark's own cluster, migrated and empty."""

    def check_needs(self) -> None:
        """Raises CommandError for what this benchmark needs and does not find, before anything is started."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_needs()
        if self.wants_database and not os.environ.get(INSIDE):
            self._run_inside_own_cluster()
            return
        started, load = time.monotonic(), os.getloadavg()[0]
        report = self.measure(options["quick"])
        seconds = round(time.monotonic() - started, 1)
        self.stdout.write("\n".join([report.title, *table(report.rows), *report.notes]))
        self.stdout.write(f"Load average {load:.1f} before, {os.getloadavg()[0]:.1f} after; {seconds} s.")
        if options["json"]:
            figures = dict(report.figures) | {"load_before": load, "load_after": os.getloadavg()[0], "seconds": seconds}
            self.stdout.write(json.dumps(figures))

    def _run_inside_own_cluster(self) -> None:
        try:
            with throwaway_cluster("bench", want_valkey=self.wants_broker, durable=self.durable) as cluster:
                environment = cluster.environment() | {INSIDE: "1"}
                _demand(manage("migrate", "-v", "0"), environment)
                _demand([sys.executable, *sys.argv], environment)
        except ServiceError as error:
            raise CommandError(str(error)) from error


def own_cluster() -> Cluster:
    """The cluster that this run stands in, for its addresses; it is running already."""
    return Cluster(os.environ["ALS_SERVICES"], durable=False)


def take_turns(sides: Sequence[Side], repeats: int) -> dict[str, list[float]]:
    """Run the sides one after the other, again and again, so that a busy neighbour disturbs all of them alike."""
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(repeats):
        for side in sides:
            found[side.name].append(side.run())
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0-1) of the values lie; the nearest one, no interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of the turns, which neighbours in time share their disturbance in."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns; the first column to the left, figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _demand(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(argv, cwd=PROJECT_DIR, env=dict(environment), check=False)
    if done.returncode:
        raise CommandError(f"`{' '.join(argv[1:])}` ended with {done.returncode}.", returncode=done.returncode)
