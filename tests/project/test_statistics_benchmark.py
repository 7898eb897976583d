"""What the simulations do at once is what the product does one by one; and the table finds its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from experiments.stats.exact import difference_bounds, difference_p
from experiments.stats.moments import ProportionCounts
from experiments.stats.reading import read_strata
from experiments.stats.sample_ratio import sample_ratio
from experiments.stats.sufficient import Stratum, Sums
from experiments.stats.terms import Metric, Role
from project.statistics_benchmark import guards, report
from project.statistics_benchmark.blocks import EVERY, Blocks
from project.statistics_benchmark.exact_rules import by_exact_bounds, first_against
from project.statistics_benchmark.real import read_series
from project.statistics_benchmark.simulation import any_of_ours, batches, by_msprt, by_peeked_t, ours, stops
from project.statistics_benchmark.worlds import DIFFERENCE, PLANNED, REPORTS, WORLDS, World

METRIC = Metric("outcome", Role.SUCCESS, True)
LOOKS = 200


def draw(world: World, lift: float, *, streams: int = 6, looks: int = LOOKS) -> Blocks:
    return next(batches(world, streams, looks, lift))


def strata_at(world: World, blocks: Blocks, stream: int, look: int) -> list[Stratum]:
    """The sums of one stream as an analysis would have stored them."""
    found = []
    for number, shares in enumerate(blocks.shares[min(stream, len(blocks.shares) - 1)]):
        own = blocks.stratum[: look + 1] == number
        arms = {}
        for arm in range(2):
            n = int(blocks.n[stream, : look + 1, arm][own].sum())
            totals = blocks.totals[stream, : look + 1, arm][own].sum(axis=0)
            products = blocks.products[stream, : look + 1, arm][own].sum(axis=0)
            lower = products[np.tril_indices(len(totals))]
            ones = int(totals[0]) if world.binary else 0
            levels = (0, n - ones, ones) if world.binary else (0, 0, 0)
            arms["ct"[arm]] = Sums((0.0,) * len(totals), n, tuple(totals), tuple(lower), levels)
        if any(sums.n for sums in arms.values()):
            found.append(Stratum({"c": shares[0] / shares[:2].sum(), "t": shares[1] / shares[:2].sum()}, arms))
    return found


@pytest.mark.parametrize("world", [world for world in WORLDS if world.treatments == 1], ids=lambda world: world.name)
def test_streams_stop_where_the_analyses_of_the_product_would(world):
    blocks = draw(world, 0.15)
    at = ours(world, blocks)
    options = {"planned_units": PLANNED, "alpha": 0.05, "few_values": world.binary, "ratio": world.ratio}
    for stream in range(2):
        first, p = np.inf, 1.0
        for look in range(LOOKS):
            p = read_strata(METRIC, "t", strata_at(world, blocks, stream, look), control="c", previous_p=p, **options).p
            if p <= 0.05:
                first = blocks.exposed[look]
                break
        assert at[stream] == first


def test_exact_rules_are_the_products_own():
    blocks = draw(REPORTS, 0.08)
    n, ones = blocks.n.cumsum(axis=1).astype(int), blocks.totals[..., 0].cumsum(axis=1).astype(int)
    at = by_exact_bounds(REPORTS, blocks)
    for stream in range(2):
        arms = ([ProportionCounts(n[stream, look, a], ones[stream, look, a]) for a in (0, 1)] for look in range(LOOKS))
        p = (difference_p(*(arm.moments() for arm in both)) for both in arms)
        assert at[stream] == next(EVERY * look for look, found in enumerate(p, start=1) if found <= 0.05)


def test_a_rare_guardrail_is_proven_safe_where_the_products_bound_says_so():
    n = np.array([[[60, 50]], [[120, 130]], [[400, 380]]])
    ones = np.array([[[0, 0]], [[1, 4]], [[9, 2]]])
    found = first_against(n.astype(float), ones.astype(float), gap=0.06, alpha=0.05)
    for row, safe in enumerate(found[:, 0]):
        arms = [ProportionCounts(int(n[row, 0, arm]), int(ones[row, 0, arm])).moments() for arm in (0, 1)]
        assert safe == (difference_bounds(*arms, alpha=0.05).high < 0.06)
    assert found[:, 0].tolist() == [False, False, True]


def test_the_sample_ratio_of_the_simulation_is_the_products():
    alarms = guards._ratio_alarms(40, 400, 0.6)
    assert np.isfinite(alarms).all() and 100 < np.median(alarms) < 1500
    assert sample_ratio([400, 600], [0.5, 0.5]).alarm and not sample_ratio([40, 60], [0.5, 0.5]).alarm


def test_peeking_is_wrong_where_the_sequence_is_not_and_the_mixture_of_the_documentation_waits_longer():
    options = {"streams": 300, "looks": 300, "lift": 0.0}
    assert np.isfinite(stops(DIFFERENCE, by_peeked_t, **options)).mean() > 0.3
    assert np.isfinite(stops(DIFFERENCE, any_of_ours, **options)).mean() < 0.06
    gains = {"streams": 100, "looks": 300, "lift": 0.1}
    assert np.median(stops(DIFFERENCE, ours, **gains)) < np.median(stops(DIFFERENCE, by_msprt, **gains))


def test_the_limit_of_the_mixture_is_three_and_a_half_standard_errors():
    blocks = draw(DIFFERENCE, 0.1, streams=200, looks=400)
    cells = blocks.cells()
    n, ones = cells.n[:, :, 0], (cells.n * cells.means[..., 0])[:, :, 0]
    rates = ones / np.maximum(n, 1)
    with np.errstate(invalid="ignore"):
        z = (rates[..., 1] - rates[..., 0]) / np.sqrt((rates * (1 - rates) / np.maximum(n - 1, 1)).sum(axis=-1))
    at = by_msprt(DIFFERENCE, blocks)
    stopped = np.isfinite(at) & (at > 500)
    last = z[stopped, (at[stopped] / EVERY).astype(int) - 1]
    assert stopped.sum() > 50 and 3.5 < np.abs(last).min() < 3.65


def test_real_experiments_are_looked_at_snapshot_by_snapshot(tmp_path):
    found = read_series(Path(__file__).parents[1] / "data" / "experiments" / "asos.csv")
    assert (found.series, found.snapshots) == (6, 305)
    assert found.test_ever >= found.test_at_the_end and found.test_ever >= max(found.sequence_ever.values())
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="not the ASOS dataset"):
        call_command("bench_statistics", "--asos", str(tmp_path / "other.csv"))


def test_the_table_stands_between_its_marks(tmp_path):
    page = tmp_path / "statistics.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    rows = [report.Row("difference", 0.021, 2000, 5000.0, 2300.0, None, 0.98)]
    report.write_into(page, rows, [guards.Guard("canary", 0.001, 1.0, 300.0, 0.01)], ["A note."])
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| difference | 2,000 | 2.1% | 5,000 | 2,300 | - |" in text
    with pytest.raises(ValueError, match="no place"):
        page.write_text("nothing")
        report.write_into(page, rows, [], [])
