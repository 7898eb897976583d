"""What a run will probably take: from earlier runs where there are any, else from the texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from learning.llm_prices import Price
from learning.models import Agent, DatasetVersion, LearningExample, RunStatus, TrainingRun
from learning.services.expert_scores import scored_answers
from learning.services.run_estimate import OWN_RUNS, TEXTS, RunEstimate
from learning.services.run_plan import plan_run
from organizations.errors import Refused
from tests import factories

KIND = "prompt_optimization"


def estimate(agent: Agent, **config: Any) -> RunEstimate:
    return plan_run(agent, None, None, KIND, config).estimate()


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
    plan = plan_run(agent, version, agent.configs.get(), KIND, {})
    with django_assert_num_queries(2):
        plan.estimate()
    for _ in range(30):
        finished(agent, version)
    with django_assert_num_queries(1):
        assert plan.estimate().runs == 20


def test_money_is_tokens_by_their_price(agent: Agent, version: DatasetVersion, settings: Any) -> None:
    finished(agent, version)
    settings.LLM_PRICES = {agent.configs.get().content["model"]: Price(Decimal(2), Decimal(10))}
    told = estimate(agent, max_calls=200)  # 10,000 tokens in, 600 out
    assert told.money == Decimal("0.026")
    assert estimate(agent, max_calls=200, max_money=0.02).warnings == (
        "The 0.02 are probably spent before the calls are used up.",
    )
    assert estimate(agent, max_calls=200, max_money=0.03).warnings == ()


def test_without_a_price_no_money_is_told_and_none_can_be_limited(
    agent: Agent, version: DatasetVersion, settings: Any
) -> None:
    settings.LLM_PRICES = {}
    assert estimate(agent).money is None
    with pytest.raises(Refused, match="price of smollm2-135m-instruct is unknown") as refusal:
        estimate(agent, max_money=1)
    assert refusal.value.field == "config.max_money"


def test_a_judge_needs_more_calls_and_answers_that_experts_scored(agent: Agent, version: DatasetVersion) -> None:
    with pytest.raises(Refused, match="at least 234 calls") as refusal:
        estimate(agent, metric="judge", max_calls=200)
    assert refusal.value.field == "config.max_calls"
    with pytest.raises(Refused, match="20 answers which experts have scored") as refusal:
        estimate(agent, metric="judge", max_calls=400)
    assert refusal.value.field == "config.metric"
    LearningExample.objects.update(quality_score=0.75)
    told = estimate(agent, metric="judge", max_calls=400)
    assert 0 < told.confirmation_calls < 340
    scored = scored_answers(version_id=version.pk)
    assert len(scored) == version.train_count + version.validation_count, "the test split is left alone"
    assert {one.score for one in scored} == {0.75}
    assert {one.expected for one in scored} == {"positive", "negative"}
