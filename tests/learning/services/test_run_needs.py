"""What a run needs: every number of calls that is accepted is one that its engine can plan with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.agreement import MOST_ITEMS, ScoredAnswer
from learning.engines.judge import Judge
from learning.engines.metrics import METRIC_KINDS, exact
from learning.engines.prompt import PromptOptimizer
from learning.engines.prompt.optimizer import DEFAULT_REWRITES
from learning.engines.prompt.planning import Plan
from learning.engines.prompt.strategies import STRATEGIES
from learning.engines.types import Budget
from learning.models import DatasetVersion
from learning.services.run_budget import planned_calls
from learning.services.run_config import MOST_CALLS, MOST_REWRITES, RunConfig, read_run_config
from learning.services.run_needs import plan_of
from organizations.errors import Refused
from tests.learning.engines.fake_models import PureModel

LARGE = DatasetVersion(number=1, total=10_000, train_count=4_000, validation_count=3_000, test_count=3_000)
SCORED = [ScoredAnswer(str(n), "said", "wanted", n / MOST_ITEMS) for n in range(MOST_ITEMS)]
OPTIONS: dict[str, dict[str, Any]] = {"json_schema": {"metric_options": {"schema": {"type": "object"}}}}


def smallest(config: dict[str, Any]) -> RunConfig:
    """The wishes with the fewest calls that are accepted."""
    low, high = 1, MOST_CALLS
    while low < high:
        middle = (low + high) // 2
        try:
            read_run_config({**config, "max_calls": middle})
        except Refused:
            low = middle + 1
        else:
            high = middle
    return read_run_config({**config, "max_calls": low})


def plan_of_engine(wishes: RunConfig) -> Plan:
    """As the run's engine divides its budget. Raises ValueError when it would not begin."""
    judged = METRIC_KINDS[wishes.metric].needs_expert_scores
    optimizer = PromptOptimizer(
        model=PureModel(lambda request: ""),
        metric=Judge() if judged else exact,
        budget=Budget(planned_calls(wishes)),
        rewrites=wishes.rewrites,
        strategies=wishes.strategies,
        calibration=SCORED if judged else (),
    )
    return optimizer._plan(LARGE.validation_count, LARGE.test_count)


@given(
    metric=st.sampled_from(sorted(METRIC_KINDS)),
    rewrites=st.integers(0, MOST_REWRITES),
    strategies=st.lists(st.sampled_from(sorted(STRATEGIES)), unique=True),
    more=st.integers(0, 400),
)
def test_the_engine_begins_with_every_number_that_is_accepted(
    metric: str, rewrites: int, strategies: list[str], more: int
) -> None:
    asked = {"metric": metric, "rewrites": rewrites, "strategies": strategies, **OPTIONS.get(metric, {})}
    fewest = smallest(asked)
    wishes = read_run_config({**asked, "max_calls": fewest.max_calls + more})
    for one in (fewest, wishes):
        assert plan_of(LARGE, one) == plan_of_engine(one), "what is checked and told is what is done"


@pytest.mark.parametrize("given", [{}, {"rewrites": 0}])
def test_instructions_that_the_model_writes_have_a_number(given: dict[str, int]) -> None:
    wishes = read_run_config({"strategies": ["rewritten"], **given})
    assert wishes.rewrites == DEFAULT_REWRITES
    assert read_run_config({"strategies": ["rewritten"], "rewrites": 2}).rewrites == 2
    assert read_run_config({"strategies": ["few_shot"]}).rewrites == 0
    with pytest.raises(Refused, match="from 84 to"):
        read_run_config({"strategies": ["rewritten"], "max_calls": 83, **given})
