"""What a run will probably take: from earlier runs where there are any, else from the texts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from learning.engines.prompt.planning import plan_calls
from learning.llm_prices import FREE, Price
from learning.models import Agent, DatasetVersion, LearningExample, RunStatus, TrainingRun
from learning.services.expert_scores import scored_answers
from learning.services.run_budget import planned_calls
from learning.services.run_config import read_run_config
from learning.services.run_estimate import LOGGED, OWN_RUNS, TEXTS, RunEstimate
from learning.services.run_plan import plan_run
from learning.services.run_usage import WORTH_COUNTING
from organizations.erasers import erasing
from organizations.errors import Refused
from tests import factories

KIND = "prompt_optimization"


def estimate(agent: Agent, **config: Any) -> RunEstimate:
    return plan_run(agent, None, None, KIND, config).estimate()


def finished(agent: Agent, version: DatasetVersion, **values: Any) -> TrainingRun:
    given = {
        "config": {"metric": "exact"},
        "llm_calls": 100,
        "input_tokens": 5_000,
        "output_tokens": 300,
        "seconds": 50.0,
    } | values
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
    # An answer is as long as those that people corrected, "I think it is positive", not as the right one.
    assert told.output_tokens == 5.5 * 200


def test_where_right_answers_are_the_longer_ones_they_tell(agent: Agent, version: DatasetVersion) -> None:
    factories.make_config(agent, content={"parameters": {}})
    with erasing():
        version.items.update(original_output="", expected_output="a right answer of forty characters.......")
    assert estimate(agent, max_calls=200).output_tokens == 10.25 * 200


def test_what_the_agent_logged_tells_how_long_its_answers_are(agent: Agent, version: DatasetVersion) -> None:
    factories.make_config(agent, content={"parameters": {}})
    for number in range(WORTH_COUNTING):
        factories.make_execution(agent, output_tokens=None if number == 0 else 60 + number)
    factories.make_execution(factories.make_agent(), output_tokens=900)
    told = estimate(agent, max_calls=200)
    assert (told.output_tokens, told.tokens_from) == (5.5 * 200, TEXTS), "19 are too few"
    factories.make_execution(agent, output_tokens=90)
    told = estimate(agent, max_calls=200)
    assert (told.output_tokens, told.tokens_from) == (71 * 200, LOGGED)
    finished(agent, version, input_tokens=0, output_tokens=0)
    assert estimate(agent, max_calls=200) == replace(told, seconds=100, runs=1), "a run that knows none tells nothing"
    finished(agent, version)
    assert estimate(agent, max_calls=200).tokens_from == OWN_RUNS


def test_no_answer_is_longer_than_the_config_lets_it_be(agent: Agent, version: DatasetVersion) -> None:
    for number in range(WORTH_COUNTING):
        factories.make_execution(agent, output_tokens=100 + number)
    assert agent.configs.get().content["parameters"]["max_tokens"] == 8
    assert estimate(agent, max_calls=200).output_tokens == 8 * 200


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
    assert "longer than the 27 seconds" in estimate(agent, max_calls=200).warnings[0]


def test_the_confirmation_is_a_part_of_the_calls(agent: Agent, version: DatasetVersion) -> None:
    told = estimate(agent, max_calls=200, rewrites=5)
    assert 0 < told.confirmation_calls < 195


def test_the_estimate_counts_on_the_calls_that_the_engine_plans_with(agent: Agent, version: DatasetVersion) -> None:
    planned = planned_calls(read_run_config({"max_calls": 120}))
    assert planned < 120
    done = plan_calls(planned, version.validation_count, version.test_count)
    assert estimate(agent, max_calls=120).confirmation_calls == done.kept_answers


def test_runs_with_another_metric_measure_nothing(agent: Agent, version: DatasetVersion) -> None:
    finished(agent, version, config={"metric": "chrf"})
    assert (estimate(agent).runs, estimate(agent).tokens_from) == (0, TEXTS)
    assert (estimate(agent, metric="chrf").runs, estimate(agent, metric="chrf").tokens_from) == (1, OWN_RUNS)


def test_an_estimate_asks_the_same_however_many_runs_there_are(
    agent: Agent, version: DatasetVersion, django_assert_num_queries: Any
) -> None:
    plan = plan_run(agent, version, agent.configs.get(), KIND, {})
    with django_assert_num_queries(3):
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
    LearningExample.objects.update(quality_score=0.75, source_type="expert_review")
    told = estimate(agent, metric="judge", max_calls=400)
    assert 0 < told.confirmation_calls < 340
    scored = scored_answers(version_id=version.pk)
    assert len(scored) == version.train_count + version.validation_count, "the test split is left alone"
    assert {one.score for one in scored} == {0.75}
    assert {one.expected for one in scored} == {"positive", "negative"}


def judged(agent: Agent, model: str = "grader-9", **config: Any) -> RunEstimate:
    options = {"metric_options": {"model": model}} if model else {}
    return estimate(agent, metric="judge", max_calls=400, **options, **config)


def test_a_judge_without_a_price_makes_the_money_unknown_and_cannot_be_limited(
    agent: Agent, version: DatasetVersion, settings: Any
) -> None:
    LearningExample.objects.update(quality_score=0.75, source_type="expert_review")
    settings.LLM_PRICES = {"smollm2-135m-instruct": Price(Decimal(1), Decimal(1))}
    told = judged(agent)
    assert (told.money, told.unpriced) == (None, ("grader-9",))
    assert told.as_json()["unpriced"] == ["grader-9"]
    with pytest.raises(Refused, match="price of grader-9 is unknown") as refusal:
        judged(agent, max_money=5)
    assert refusal.value.field == "config.max_money"


def test_answers_and_grades_cost_what_their_models_cost(agent: Agent, version: DatasetVersion, settings: Any) -> None:
    LearningExample.objects.update(quality_score=0.75, source_type="expert_review")
    dear, own = Price(Decimal(1_000), Decimal(1_000)), "smollm2-135m-instruct"
    settings.LLM_PRICES = {own: FREE, "grader-9": dear}
    graded = judged(agent).money
    settings.LLM_PRICES = {own: dear, "grader-9": FREE}
    answered = judged(agent).money
    settings.LLM_PRICES = {own: dear, "grader-9": dear}
    both = judged(agent)
    assert graded and answered and both.money
    assert graded > answered, "a judge reads its task, the question and two answers"
    assert graded + answered == pytest.approx(both.money, abs=Decimal("0.01"))
    assert both.money == pytest.approx(dear.of(both.input_tokens, both.output_tokens), abs=Decimal("0.01"))
    assert judged(agent, model="").money == both.money, "left out, the default model grades"


def test_a_grade_is_no_answer(agent: Agent, version: DatasetVersion) -> None:
    LearningExample.objects.update(quality_score=0.75, source_type="expert_review")
    told, plain = judged(agent), estimate(agent, max_calls=400)
    assert told.input_tokens > 2 * plain.input_tokens
    # 60 calls compare the judge with experts; of the other 340 one half answers and the other grades, 2 tokens a grade.
    assert told.output_tokens == 170 * 5.5 + (60 + 170) * 2


def test_earlier_runs_with_a_judge_tell_all_tokens_and_the_texts_whose_they_are(
    agent: Agent, version: DatasetVersion, settings: Any
) -> None:
    LearningExample.objects.update(quality_score=0.75, source_type="expert_review")
    finished(agent, version, config={"metric": "judge"}, input_tokens=20_000, output_tokens=500)
    settings.LLM_PRICES = {"smollm2-135m-instruct": FREE, "grader-9": Price(Decimal(1_000), Decimal(0))}
    told = judged(agent)
    assert (told.input_tokens, told.output_tokens, told.tokens_from) == (80_000, 2_000, OWN_RUNS)
    assert told.money and Decimal(40) < told.money < Decimal(80)
