"""`manage.py bench_queue`: experts who claim and hand in at the same time, some killed with -9, and what that costs."""

from __future__ import annotations

import tempfile
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from project.benchmarks import BenchCommand, Report, own_cluster, quantile
from project.queue_lists import Lists, read_lists
from project.queue_shift import Desk, Tally, count_duplicates, count_lost, stock_desk, work_shift

SMALL = 10_000
TURN = 10_000  # claims of one turn at the large desk
SHARE = 4  # the small desk, new in each turn, gets a fourth: fewer than half of its slots


class Command(BenchCommand):
    help = "Claims by many experts at once: duplicates, lost texts, p50 and p95 against a small queue and bare SQL."

    def add_arguments(self, parser: ArgumentParser) -> None:  # type: ignore[override]
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--slots", type=int, default=1_000_000)
        parser.add_argument("--experts", type=int, default=50)
        parser.add_argument("--claims", type=int, default=100_000, help="Claims at the large desk.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        slots, experts, claims = (self.options[name] for name in ("slots", "experts", "claims"))
        if quick:
            slots, experts, claims = min(slots, 20_000), min(experts, 6), min(claims, 500)
        turn = min(TURN, claims)
        began = time.monotonic()
        large = stock_desk(slots=slots, experts=experts)
        _clean()
        stocking = time.monotonic() - began
        many, few = Tally([], [], []), Tally([], [], [])
        duplicates = lost = 0
        with tempfile.TemporaryDirectory() as folder:
            done = 0
            while done < claims:
                small = stock_desk(slots=SMALL, experts=experts)
                _clean()
                for number, desk in enumerate((large, small)):
                    place = Path(folder) / f"{done}-{number}"
                    wanted = min(turn, claims - done)
                    tally = work_shift(desk, claims_wanted=wanted if desk is large else _part(wanted), place=place)
                    lost += count_lost(desk, tally.texts)
                    (many, few)[number].add(tally)
                duplicates += count_duplicates(small)
                done = many.claims
            _clean()
            lists = read_lists(large)
        report = _report(large, many, few, duplicates + count_duplicates(large), lost)
        return replace(
            report,
            rows=[*report.rows, _row(f"a page of the list at {slots} slots", lists.seconds)],
            figures=dict(report.figures) | _list_figures(lists) | {"stocking_seconds": round(stocking, 1)},
        )


def _part(claims: int) -> int:
    """What the small desk gets; as many as the large one in a quick run, where a fourth would be warming up alone."""
    return claims // SHARE if claims >= TURN else claims


def _clean() -> None:
    """What the database would do by itself in a quiet minute."""
    with psycopg.connect(own_cluster().database_url("owner"), autocommit=True) as owner:
        owner.execute("VACUUM (ANALYZE) annotation_slot, learning_learningexample, annotation_queueseat")


def _report(desk: Desk, many: Tally, few: Tally, duplicates: int, lost: int) -> Report:
    large, small, bare = ([_ms(times, 0.5), _ms(times, 0.95)] for times in (many.service, few.service, many.statement))
    claims = many.claims
    return Report(
        title=f"{len(desk.experts)} experts at once, {claims} claims, {many.killed} processes killed with -9",
        rows=[
            ("claim", "p50 ms", "p95 ms", "times"),
            _row(f"at {desk.slots} slots", many.service),
            _row(f"at {SMALL} slots", few.service),
            _row("the bare statement by psycopg", many.statement),
        ],
        figures={
            "claims": claims,
            "claims_at_10k": few.claims,
            "killed": many.killed + few.killed,
            "texts": len(many.texts) + len(few.texts),
            "duplicate_reviews": duplicates,
            "lost_texts": lost,
            "p50_ms": round(large[0], 3),
            "p95_ms": round(large[1], 3),
            "p95_ms_at_10k": round(small[1], 3),
            "sql_p95_ms": round(bare[1], 3),
            "p95_ratio_to_10k": round(large[1] / small[1], 3),
            "p95_ratio_to_sql": round(large[1] / bare[1], 3),
        },
        notes=[
            f"{duplicates} reviews were made twice; {lost} of {len(many.texts) + len(few.texts)} texts were lost.",
            "Two reviews of each item. A claim is a transaction as a request has it. Processes, each an expert, and the"
            " database share the machine; the database does not wait for the disk (fsync off).",
        ],
    )


def _row(name: str, times: list[float]) -> tuple[str, str, str, str]:
    return name, f"{_ms(times, 0.5):.2f}", f"{_ms(times, 0.95):.2f}", str(len(times))


def _list_figures(lists: Lists) -> dict[str, float]:
    return {
        "list_p50_ms": round(_ms(lists.seconds, 0.5), 2),
        "list_p95_ms": round(_ms(lists.seconds, 0.95), 2),
        "list_statements": lists.statements,
        "list_whole_table_plans": lists.bad_plans,
    }


def _ms(times: list[float], share: float) -> float:
    return quantile(times, share) * 1000
