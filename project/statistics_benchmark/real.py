"""Real experiments over time: when the procedures would have said that the arms differ. What is true is not known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet

from experiments.stats.sequence import half_widths, tuning
from project.statistics_benchmark.blocks import Numbers
from project.statistics_benchmark.rules import ALPHA

SERIES = ("experiment_id", "variant_id", "metric_id")
COLUMNS = ("time_since_start", "count_c", "count_t", "mean_c", "mean_t", "variance_c", "variance_t")
PLANS = (5_000, 100_000)
Z = 1.959963984540054


@dataclass(frozen=True)
class RealSeries:
    """How many series there are, and in how many a procedure finds a difference at the last look or at any."""

    series: int
    snapshots: int
    test_at_the_end: int
    test_ever: int
    sequence_ever: dict[str, int]


def read_series(path: Path) -> RealSeries:
    """From snapshots of units, means and variances of both arms: the ASOS Digital Experiments Dataset.

    Raises KeyError when a column is missing.
    """
    table = pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pyarrow.parquet.read_table(path)
    names = ["/".join(map(str, key)) for key in zip(*(table[name].to_pylist() for name in SERIES), strict=True)]
    time, n_c, n_t, mean_c, mean_t, var_c, var_t = (
        np.array(table[name].to_pylist(), dtype=np.float64) for name in COLUMNS
    )
    known = np.isfinite(mean_c + mean_t) & (var_c > 0) & (var_t > 0) & (np.minimum(n_c, n_t) > 1)
    order = np.lexsort((time, np.array(names)))
    order = order[known[order]]
    key, units = np.array(names)[order], (n_c + n_t)[order]
    error = np.sqrt(var_c / np.where(known, n_c, 1) + var_t / np.where(known, n_t, 1))[order]
    gap = np.abs(mean_t - mean_c)[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    last = np.append(starts[1:], key.size) - 1
    planned = {f"{plan:,}": np.full(key.size, float(plan)) for plan in PLANS}
    planned["as many as came"] = np.repeat(units[last], np.diff(np.append(starts, key.size)))
    tests = gap > Z * error
    return RealSeries(
        series=starts.size,
        snapshots=key.size,
        test_at_the_end=int(tests[last].sum()),
        test_ever=_ever(tests, starts),
        sequence_ever={name: _ever(gap > _half(error, units, plan), starts) for name, plan in planned.items()},
    )


def _half(error: Numbers, units: Numbers, planned: Numbers) -> Numbers:
    # The sequence depends on units and plan by their quotient alone.
    return half_widths(error, units / planned, rho2=tuning(1.0, ALPHA), alpha=ALPHA)


def _ever(found: np.ndarray[tuple[int], np.dtype[np.bool_]], starts: np.ndarray[tuple[int], np.dtype[np.intp]]) -> int:
    return int(np.logical_or.reduceat(found, starts).sum())
