"""The time of a run: it ends in order, with what it has found, before it would fail."""

from __future__ import annotations

from typing import Any

import pytest

from learning.services.run_budget import longest_seconds, planned_budget, run_budget, seconds_of
from learning.services.run_config import RunConfig


@pytest.mark.parametrize(
    ("timeout", "patience", "longest"), [(3600, 60, 3480), (3600, 600, 3240), (30, 60, 27), (1, 60, 1)]
)
def test_a_run_gets_less_time_than_that_after_which_it_fails(
    settings: Any, timeout: int, patience: float, longest: int
) -> None:
    settings.TRAINING_JOB_TIMEOUT, settings.LLM_TIMEOUT_SECONDS = timeout, patience
    assert longest_seconds() == longest


@pytest.mark.parametrize(("asked", "given"), [(None, 3480), (600, 600), (3481, 3480), (604_800, 3480)])
def test_every_run_has_a_limit_of_time(settings: Any, asked: int | None, given: int) -> None:
    settings.TRAINING_JOB_TIMEOUT, settings.LLM_TIMEOUT_SECONDS = 3600, 60
    wishes = RunConfig(max_seconds=asked)
    assert seconds_of(wishes) == run_budget(wishes).seconds == planned_budget(wishes).seconds == given
    assert planned_budget(wishes, 100).seconds == given - 100
    assert planned_budget(wishes, 10_000).seconds == 1
