"""What bench_insight makes up holds what it says it holds."""

from __future__ import annotations

import numpy as np

from project.insight_benchmark.simulated import LAYOUTS, PLANTED, discover, make, recover_severity


def test_what_is_planted_is_found_and_nothing_else_is_there() -> None:
    found = discover(LAYOUTS[0], range(1))
    assert found.false == 0 and found.planted_found >= 0.6 and found.planted_false < 0.5
    null, planted = (make(LAYOUTS[1], 1, planted=one) for one in (False, True))
    changed = {name for name in null.aspects if not np.array_equal(null.aspects[name], planted.aspects[name])}
    assert changed == {f"a{aspect}" for _, aspect, _ in PLANTED}


def test_severities_are_recovered_better_than_by_means() -> None:
    found = recover_severity(range(1))
    assert found.correlation > 0.9 and found.error < found.raw_error
