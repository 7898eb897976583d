"""Assignment is a pure function that any client can repeat."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import scipy

from experiments.bucketing import BUCKETS, Split, assign, bucket, new_salt, takes_part

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))
SALT = VECTORS["vectors"][0]["salt"]
HALVES = Split((("control", 5000), ("treatment", 5000)))


def test_published_vectors_hold():
    for vector in VECTORS["vectors"]:
        assert bucket(vector["salt"], "traffic", vector["unit"]) == vector["traffic"], vector
        assert bucket(vector["salt"], "variant", vector["unit"]) == vector["variant"], vector


def test_published_assignments_hold():
    for case in VECTORS["assignments"]:
        split = Split(tuple((key, share) for key, share in case["split"]))
        assert assign(case["salt"], case["unit"], case["coverage"], split) == case["arm"], case


def test_the_page_shows_the_same_vectors():
    page = (HERE.parents[1] / "docs" / "assignment.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([0-9a-f]{32})` \| `(.+)` \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    published = {(v["salt"], v["unit"], str(v["traffic"]), str(v["variant"])) for v in VECTORS["vectors"]}
    assert len(rows) > 10
    assert set(rows) <= published


def test_a_bucket_is_the_head_of_the_digest():
    # printf 'x:traffic:user-1' | sha256sum: its first 16 hex digits
    assert bucket("x", "traffic", "user-1") == 0xACA76F488A79A42C % 10_000


def test_buckets_are_uniform_and_purposes_independent():
    units = [f"user-{number}" for number in range(40_000)]
    traffic = [bucket(SALT, "traffic", unit) for unit in units]
    variant = [bucket(SALT, "variant", unit) for unit in units]
    table = Counter((first // 1000, second // 1000) for first, second in zip(traffic, variant, strict=True))
    assert len(table) == 100
    assert scipy.stats.chisquare(list(table.values())).pvalue > 1e-4


def test_shares_come_out_as_asked():
    split = Split((("control", 7000), ("treatment", 3000)))
    arms = Counter(assign(SALT, f"user-{number}", 2500, split) for number in range(40_000))
    inside = arms["control"] + arms["treatment"]
    assert scipy.stats.binomtest(inside, 40_000, 0.25).pvalue > 1e-4
    assert scipy.stats.binomtest(arms["treatment"], inside, 0.3).pvalue > 1e-4


def test_wider_traffic_moves_nobody_between_arms():
    for number in range(3000):
        unit = f"user-{number}"
        narrow, wide = assign(SALT, unit, 1000, HALVES), assign(SALT, unit, 6000, HALVES)
        assert narrow in (None, wide)


def test_two_experiments_split_independently():
    other = new_salt()
    both = Counter(
        (assign(SALT, f"u{number}", BUCKETS, HALVES), assign(other, f"u{number}", BUCKETS, HALVES))
        for number in range(20_000)
    )
    assert scipy.stats.chisquare(list(both.values())).pvalue > 1e-6


def test_nobody_takes_part_at_no_coverage_and_everybody_at_full():
    assert not any(takes_part(SALT, f"u{number}", 0) for number in range(1000))
    assert all(takes_part(SALT, f"u{number}", BUCKETS) for number in range(1000))


@pytest.mark.parametrize("unit", ["", "x" * 201, "x" * 1_000_000, "\ud800"])
def test_an_impossible_unit_is_refused(unit):
    with pytest.raises(ValueError):
        bucket(SALT, "variant", unit)


@pytest.mark.parametrize(
    "shares",
    [
        (("control", 10_000),),
        (("control", 5000), ("control", 5000)),
        (("control", 5000), ("treatment", 4999)),
        (("control", 10_000), ("treatment", 0)),
        (("control", 11_000), ("treatment", -1000)),
    ],
)
def test_an_impossible_split_is_refused(shares):
    with pytest.raises(ValueError):
        Split(shares)


def test_salts_are_random_and_long():
    assert len({new_salt() for _ in range(100)}) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", new_salt()) for _ in range(10))


def test_propensity_is_the_share():
    assert Split((("a", 2500), ("b", 7500))).propensity("b") == 0.75
