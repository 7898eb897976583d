"""What a run will probably take: from earlier runs where there are any, else from the texts."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, DatasetVersion, RunStatus, TrainingRun
from learning.services import training
from learning.services.run_estimate import OWN_RUNS, TEXTS, RunEstimate
from tests import factories

KIND = "prompt_optimization"


def estimate(agent: Agent, **config: Any) -> RunEstimate:
    return training.plan_run(agent, None, None, KIND, config).estimate()


def finished(agent: Agent, version: DatasetVersion, **values: Any) -> TrainingRun:
    given = {"llm_calls": 100, "input_tokens": 5_000, "output_tokens": 300, "seconds": 50.0} | values
    return TrainingRun.objects.create(
        name="Done", agent=agent, base_config=agent.configs.first(), dataset_version=version, training_type=KIND,
        **{"status": RunStatus.COMPLETED} | given,
    )  # fmt: skip


def test_without_an_earlier_run_the_texts_tell_the_tokens_and_nothing_tells_the_time(
    agent: Agent, version: DatasetVersion
) -> None:
    told = estimate(agent, max_calls=200)
    assert (told.calls, told.tokens_from, told.seconds, told.runs) == (200, TEXTS, None, 0)
    # Prompt of 34 + template of 7 + 5 inputs of about 22 and 4 outputs of 8 characters, a quarter of it tokens.
    assert 30 * 200 < told.input_tokens < 55 * 200
    assert told.output_tokens == 2 * 200


def test_a_longer_prompt_costs_more(agent: Agent, version: DatasetVersion) -> None:
    before = estimate(agent)
    factories.make_config(agent, content={"system_prompt": "word " * 1000})
    assert estimate(agent).input_tokens > 20 * before.input_tokens


def test_earlier_runs_of_the_agent_tell_tokens_and_speed(agent: Agent, version: DatasetVersion) -> None:
    finished(agent, version)
    finished(agent, version, llm_calls=300, input_tokens=5_000, output_tokens=100, seconds=350.0)
    told = estimate(agent, max_calls=200)
    assert (told.input_tokens, told.output_tokens, told.seconds) == (5_000, 200, 200.0)
    assert (told.tokens_from, told.runs) == (OWN_RUNS, 2)


def test_runs_of_others_tell_the_speed_alone(agent: Agent, version: DatasetVersion) -> None:
    other = factories.make_agent()
    factories.make_config(other)
    finished(other, version)
    told = estimate(agent, max_calls=200)
    assert (told.seconds, told.runs, told.tokens_from) == (100.0, 1, TEXTS)


@pytest.mark.parametrize("values", [{"llm_calls": 3}, {"status": RunStatus.FAILED}, {"seconds": 0.0}])
def test_runs_that_tell_nothing_are_left_out(agent: Agent, version: DatasetVersion, values: dict[str, Any]) -> None:
    finished(agent, version, **values)
    assert estimate(agent).runs == 0


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, ""),
        ({"max_tokens": 5_000}, "5,000 tokens are probably used up"),
        ({"max_tokens": 50_000}, ""),
        ({"max_seconds": 60}, "longer than the 60 seconds"),
        ({"max_seconds": 600}, ""),
    ],
)
def test_a_limit_that_ends_the_run_early_is_told(
    agent: Agent, version: DatasetVersion, config: dict[str, Any], said: str
) -> None:
    finished(agent, version)
    told = " ".join(estimate(agent, max_calls=200, **config).warnings)
    assert (said in told) if said else told == ""


def test_the_time_that_every_run_has_is_a_limit_too(agent: Agent, version: DatasetVersion, settings: Any) -> None:
    finished(agent, version)
    settings.TRAINING_JOB_TIMEOUT = 30
    assert "longer than the 30 seconds" in estimate(agent, max_calls=200).warnings[0]


def test_the_confirmation_is_a_part_of_the_calls(agent: Agent, version: DatasetVersion) -> None:
    told = estimate(agent, max_calls=200, rewrites=5)
    assert 0 < told.confirmation_calls < 195


def test_an_estimate_asks_the_same_however_many_runs_there_are(
    agent: Agent, version: DatasetVersion, django_assert_num_queries: Any
) -> None:
    plan = training.plan_run(agent, version, agent.configs.get(), KIND, {})
    with django_assert_num_queries(2):
        plan.estimate()
    for _ in range(30):
        finished(agent, version)
    with django_assert_num_queries(1):
        assert plan.estimate().runs == 20
