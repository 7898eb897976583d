"""`manage.py bench_evaluations`: how near 1, 2 and 4 worker processes come to an endpoint's own speed."""

from __future__ import annotations

import statistics
from argparse import ArgumentParser
from typing import Any

from project.benchmarks import BenchCommand, Report
from project.evaluation_shift import AT_ONCE, endpoint, evaluate, found_organization, helpers

LATENCY = 0.05  # seconds
PROCESSES = (1, 2, 4)
REPEATS = 3
WARM_UP = 150  # evaluations before the first turn: processes connect, and load what they need


class Command(BenchCommand):
    help = "Wall time of a run's evaluations with 1, 2 and 4 worker processes beside calls x latency / concurrency."
    wants_broker = True

    def add_arguments(self, parser: ArgumentParser) -> None:  # type: ignore[override]
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--evaluations", type=int, default=2_000)

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        evaluations = min(400, self.options["evaluations"]) if quick else self.options["evaluations"]
        repeats = 1 if quick else REPEATS
        organization = found_organization()
        seconds: dict[int, list[float]] = {}
        with endpoint(LATENCY) as scripted:
            for processes in PROCESSES:
                at_once = processes * AT_ONCE
                with helpers(processes - 1):
                    evaluate(organization, WARM_UP, at_once)
                    seconds[processes] = [evaluate(organization, evaluations, at_once) for _ in range(repeats)]
            counts = scripted.counts()
        asked = len(PROCESSES) * (WARM_UP + repeats * evaluations)
        return _report(seconds, evaluations, counts, asked)


def _report(seconds: dict[int, list[float]], evaluations: int, counts: dict[str, int], asked: int) -> Report:
    rows = [("worker processes", "calls at once", "ideal s", "median s", "share of the ideal", "turns")]
    figures: dict[str, float | int | str | None] = {"calls": evaluations}
    for processes, turns in seconds.items():
        ideal = evaluations * LATENCY / (processes * AT_ONCE)
        took = statistics.median(turns)
        figures[f"seconds_{processes}"], figures[f"ideal_share_{processes}"] = round(took, 2), round(ideal / took, 3)
        each = " ".join(f"{turn:.2f}" for turn in turns)
        rows.append(
            (str(processes), str(processes * AT_ONCE), f"{ideal:.2f}", f"{took:.2f}", f"{ideal / took:.1%}", each)
        )
    figures |= {"answered_twice": counts["answered"] - asked, "most_at_once": counts["most"]}
    return Report(
        title=f"{evaluations} evaluations of a run, an endpoint that takes {LATENCY * 1000:.0f} ms for an answer",
        rows=rows,
        figures=figures,
        notes=[
            f"The ideal is calls x latency / calls at once, {AT_ONCE} of each process. The first process is the run's"
            " own worker; the others help through Celery. Endpoint, broker and database share the machine.",
            f"The endpoint answered {counts['answered']} calls where {asked} were needed; {counts['most']} at once.",
        ],
    )
