"""The frame of the benchmarks."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from project import benchmarks
from project.benchmarks import BenchCommand, Report, Side, median_ratio, quantile, table, take_turns


def test_the_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        return Side(name, lambda: float(order.append(name) or len(order)))

    assert take_turns([side("ours"), side("limit")], 2) == {"ours": [1, 3], "limit": [2, 4]}
    assert order == ["ours", "limit", "ours", "limit"]


def test_the_ratio_compares_neighbours_in_time() -> None:
    assert median_ratio([10, 1, 20], [20, 2, 40]) == 0.5


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile(range(100), share) for share in (0.5, 0.95, 1.0)] == [50, 95, 99]


def test_the_table_lines_up() -> None:
    assert table([("", "per second"), ("ours", "7")]) == ["      per second", "ours           7"]


class Example(BenchCommand):
    def measure(self, quick: bool) -> Report:
        return Report("Title", [("", "n"), ("ours", "1" if quick else "2")], {"n": 1}, ["A note."])


def test_the_last_line_is_one_json_object_with_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(benchmarks.INSIDE, "1")
    output = StringIO()
    call_command(Example(), "--quick", "--json", stdout=output)
    *lines, last = output.getvalue().strip().splitlines()
    assert json.loads(last).keys() == {"n", "load_before", "load_after", "seconds"}
    assert lines[0] == "Title" and lines[-1].startswith("Load average") and "A note." in lines


def test_outside_of_its_own_cluster_a_benchmark_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(benchmarks.INSIDE, raising=False)
    entered: list[bool] = []
    monkeypatch.setattr(Example, "_run_inside_own_cluster", lambda self: entered.append(True))
    monkeypatch.setattr(Example, "measure", lambda self, quick: pytest.fail("measured outside"))
    call_command(Example(), stdout=StringIO())
    assert entered == [True]


def test_without_the_real_texts_the_benchmark_of_datasets_says_so_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(benchmarks.INSIDE, raising=False)
    monkeypatch.setattr(BenchCommand, "_run_inside_own_cluster", lambda self: pytest.fail("started a cluster"))
    for folder, message in (("", "Set ALS_DATA"), (str(tmp_path), "lacks banking77/train.csv")):
        monkeypatch.setenv("ALS_DATA", folder)
        with pytest.raises(CommandError, match=message) as refused:
            call_command("bench_datasets", "--quick")
        assert refused.value.returncode == 77  # which `make bench` takes for left out
