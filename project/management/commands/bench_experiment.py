"""`manage.py bench_experiment`: what one more look costs an experiment of many units, and assignments per second."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from experiments.services.outcome_check import find_wrong_outcomes
from organizations.scope import organization_scope
from project.benchmarks import BenchCommand, Report
from project.experiment_benchmark.analysing import Measured, as_owner, grow, make_stand, measure_looks
from project.experiment_benchmark.assigning import measure_assignments
from project.services.place import PROJECT_DIR

SIZES, QUICK_SIZES = (100_000, 1_000_000, 10_000_000), (10_000, 100_000)


class Command(BenchCommand):
    help = "What one more look costs an experiment that has many units, and assignments per second."
    durable = True  # with the product's own cache: what a look reads of the disk is a large part of it

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--units", type=int, default=SIZES[-1], help="Of the largest experiment.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.units: int = options["units"]
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        sizes = QUICK_SIZES if quick else [size for size in SIZES if size <= self.units] or [self.units]
        stand, found = make_stand(), []
        for size in sizes:
            grow(stand, size)
            as_owner("VACUUM ANALYZE")
            if size == sizes[0]:
                with organization_scope(stand.organization_id):
                    wrong = find_wrong_outcomes(experiment=stand.experiment)
                if wrong:
                    raise RuntimeError(f"What was generated is not what a look finds: {wrong}.")
            found.append(measure_looks(stand))
        return _report(found)


def _report(found: list[Measured]) -> Report:
    rows = [
        ["units", "seconds of a look", "on a processor", "pages read", "MB of the process", "MB of its server process"]
    ]
    rows += [
        [f"{one.units:,}", f"{one.seconds:.2f}", f"{one.processor_seconds:.2f}", f"{one.pages:,.0f}",
         f"{one.process_mb:.0f}", f"{one.server_mb:.0f}"] for one in found
    ]  # fmt: skip
    figures: dict[str, Any] = {f"seconds_{one.units:.0e}".replace("e+0", "e"): one.seconds for one in found}
    figures |= {f"megabytes_{one.units:.0e}".replace("e+0", "e"): one.process_mb + one.server_mb for one in found}
    figures |= {f"processor_{one.units:.0e}".replace("e+0", "e"): one.processor_seconds for one in found}
    figures |= {f"pages_{one.units:.0e}".replace("e+0", "e"): one.pages for one in found}
    figures["growth"] = found[-1].seconds / found[0].seconds
    figures["processor_growth"] = found[-1].processor_seconds / found[0].processor_seconds
    notes = [
        f"The largest takes {figures['growth']:.2f} x the time of the smallest (aim: below 1.2 x), "
        f"{figures['processor_growth']:.2f} x on a processor."
    ]
    sys.path.insert(0, str(PROJECT_DIR / "clients" / "python"))  # the client that applications install
    assigned = measure_assignments()
    figures |= assigned
    notes += [f"{name}: {value:,.1f}" for name, value in assigned.items() if value is not None]
    return Report("One look after 8,000 new units and 2,000 that came back", rows, figures, notes)
