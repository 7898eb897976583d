"""`manage.py bench_statistics`: how often the procedures are wrong, and how many users they need."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from project.benchmarks import BenchCommand, Report
from project.services.place import PROJECT_DIR
from project.statistics_benchmark.real import read_series
from project.statistics_benchmark.report import (
    PLANS,
    as_figures,
    bound,
    guard_lines,
    measure,
    measure_guards,
    row_table,
    write_into,
)
from project.statistics_benchmark.rules import ALPHA
from project.statistics_benchmark.worlds import PLANNED

STREAMS, QUICK_STREAMS = 2000, 200
POWER_STREAMS, QUICK_POWER_STREAMS = 1000, 40
AIM = 0.7


class Command(BenchCommand):
    help = "Simulate experiments that are looked at after every 10 users, and write the table into docs/statistics.md."
    wants_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--asos", help="Look at real experiments: the ASOS dataset's .parquet or .csv file.")

    def handle(self, *args: Any, **options: Any) -> None:
        self._real = Path(options["asos"]) if options["asos"] else None
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        return self._simulated(quick) if self._real is None else self._looked_up(self._real)

    def _looked_up(self, path: Path) -> Report:
        try:
            found = read_series(path)
        except (OSError, KeyError, ValueError) as error:
            raise CommandError(f"{path} is not the ASOS dataset: {error}") from error
        rows = [("procedure", "series with a difference"), ("t-test at the last snapshot", str(found.test_at_the_end))]
        rows += [("t-test at some snapshot", str(found.test_ever))]
        rows += [(f"sequence, planned users: {name}", str(count)) for name, count in found.sequence_ever.items()]
        return Report(
            title=f"{found.series} series of real experiments, {found.snapshots:,} snapshots",
            rows=rows,
            figures=asdict(found),
        )

    def _simulated(self, quick: bool) -> Report:
        streams, power = (QUICK_STREAMS, QUICK_POWER_STREAMS) if quick else (STREAMS, POWER_STREAMS)
        rows = [measure(plan, streams=streams, power_streams=power) for plan in PLANS]
        guards = measure_guards(streams=streams)
        figures = as_figures(rows, guards)
        limit = bound(ALPHA, streams)
        promised = {plan.name for plan in PLANS if plan.valid}
        above = [row.name for row in rows if row.name in promised and row.false_positive_rate > limit]
        ratio = figures["msprt_ratio_5"]
        notes = [
            f"Promised: at most {ALPHA:.0%}, so at most {limit:.1%} of {streams:,} streams; "
            + (f"above it: {', '.join(above)}." if above else "none of ours is above it."),
            f"Ours at +5 points: {ratio:.2f} of the users of the mSPRT (aim: at most {AIM})."
            if isinstance(ratio, float)
            else "Too few streams for the ratio to the mSPRT.",
            f"Medians over {power:,} streams. The plan is always {PLANNED:,} users, what a fixed horizon needs at +5.",
        ]
        if not quick:
            write_into(PROJECT_DIR / "docs" / "statistics.md", rows, guards, notes)
        return Report(
            title="Experiments looked at after every 10 users",
            rows=row_table(rows),
            figures=figures | {"streams": streams, "planned_units": PLANNED, "above_promise": above},
            notes=[*guard_lines(guards), "", *notes],
        )
