"""The table of `manage.py bench_statistics`, printed and written into docs/statistics.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from project.benchmarks import table
from project.statistics_benchmark.blocks import Numbers
from project.statistics_benchmark.exact_rules import by_exact_bounds
from project.statistics_benchmark.guards import (
    Guard,
    canary_guard,
    deterioration_guard,
    exact_guard,
    non_inferiority_guard,
    sample_ratio_guard,
)
from project.statistics_benchmark.simulation import (
    LOOKS,
    NULL_LOOKS,
    Rule,
    any_of_ours,
    by_bayes,
    by_msprt,
    by_peeked_t,
    ours,
    pooled_t,
    stops,
)
from project.statistics_benchmark.worlds import DIFFERENCE, REPORTS, TOO_EARLY, WORLDS, World

BEGIN, END = "<!-- bench_statistics begins -->", "<!-- bench_statistics ends -->"


@dataclass(frozen=True)
class Row:
    """One procedure in one world. Medians in users of all arms until the verdict; None where there is none."""

    name: str
    false_positive_rate: float
    streams: int
    median_n_3: float | None = None
    median_n_5: float | None = None
    median_n_10: float | None = None
    found_5: float | None = None


@dataclass(frozen=True)
class Plan:
    """A row to be measured. `valid`: whether it promises at most five percent."""

    name: str
    world: World
    rule: Rule
    null_rule: Rule
    valid: bool = True


PLANS = (
    *(Plan(world.name, world, ours, any_of_ours) for world in WORLDS),
    Plan("rare rate (1 %), exact bounds", REPORTS, by_exact_bounds, by_exact_bounds),
    Plan("mSPRT with Statsig's tau", DIFFERENCE, by_msprt, by_msprt, valid=False),
    Plan("peeked t-test", DIFFERENCE, by_peeked_t, by_peeked_t, valid=False),
    Plan("Bayes, 95 % chance to win", DIFFERENCE, by_bayes, by_bayes, valid=False),
    Plan("ramp with drift, pooled and peeked t-test", WORLDS[4], pooled_t, pooled_t, valid=False),
    Plan(TOO_EARLY.name, TOO_EARLY, ours, ours, valid=False),
)


def measure(plan: Plan, *, streams: int, power_streams: int) -> Row:
    """The false positives over `streams` equal pairs, and the medians over `power_streams` with a lift."""
    null = stops(plan.world, plan.null_rule, streams=streams, looks=NULL_LOOKS, lift=0.0)
    wrong = float(np.isfinite(null).mean())
    if not plan.world.lifts:
        return Row(plan.name, wrong, streams)
    found = [
        stops(plan.world, plan.rule, streams=power_streams, looks=looks, lift=lift) for lift, looks in LOOKS.items()
    ]
    three, five, ten = (_median(one) for one in found)
    return Row(plan.name, wrong, streams, three, five, ten, float(np.isfinite(found[1]).mean()))


def measure_guards(*, streams: int) -> list[Guard]:
    return [
        sample_ratio_guard(streams, 1000),
        non_inferiority_guard(streams, 1000),
        exact_guard(streams, 300),
        deterioration_guard(streams, NULL_LOOKS),
        canary_guard(streams, 300),
    ]


def bound(rate: float, streams: int) -> float:
    """A rate that is `rate` shows more than this in one of about 700 simulations."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / streams)


def as_figures(rows: Sequence[Row], guards: Sequence[Guard]) -> dict[str, object]:
    by_name = {row.name: row for row in rows}
    own, theirs = by_name[DIFFERENCE.name].median_n_5, by_name["mSPRT with Statsig's tau"].median_n_5
    return {
        "rows": [asdict(row) for row in rows],
        "msprt_ratio_5": own / theirs if own and theirs else None,
        "guards": [asdict(guard) for guard in guards],
    }


def row_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    head = ("procedure", "A/A streams", "false positives", "users at +3", "at +5", "at +10")
    return [head, *((row.name, f"{row.streams:,}", f"{row.false_positive_rate:.1%}", *_medians(row)) for row in rows)]


def guard_table(guards: Sequence[Guard]) -> list[tuple[str, ...]]:
    head = ("alarm", "allowed", "false", "found", "median until found")
    return [
        head,
        *(
            (one.name, f"{one.allowed:.1%}", f"{one.false_rate:.2%}", f"{one.found:.1%}", f"{one.median:,.0f}")
            for one in guards
        ),
    ]


def guard_lines(guards: Sequence[Guard]) -> list[str]:
    return ["", *table(guard_table(guards))]


def write_into(page: Path, rows: Sequence[Row], guards: Sequence[Guard], notes: Sequence[str]) -> None:
    """Replace what stands between the two marks. Raises ValueError when the page has no marks."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page.name} has no place for the table: {BEGIN} ... {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    parts = [BEGIN, *_markdown(row_table(rows)), "", *_markdown(guard_table(guards)), "", *notes, END]
    page.write_text(before + "\n".join(parts) + after)


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "| --- |" + " ---: |" * (len(rows[0]) - 1), *lines[1:]]


def _median(found: Numbers) -> float | None:
    """None when fewer than half of the streams came to a verdict."""
    middle = float(np.median(found))
    return middle if math.isfinite(middle) else None


def _medians(row: Row) -> list[str]:
    medians = (row.median_n_3, row.median_n_5, row.median_n_10)
    return ["-" if median is None else f"{median:,.0f}" for median in medians]
