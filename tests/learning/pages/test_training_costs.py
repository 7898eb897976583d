"""What the pages of runs tell of calls, tokens and money: before the start, and after."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from learning.models import Agent, DatasetVersion, GateReport, RunStatus, TrainingRun
from learning.services import training
from learning.services.run_config import RunConfig
from learning.services.run_plan import plan_run
from tests import factories
from tests.learning.run_results import CONFIRMED

LIST = "/admin/learning/training/"
KIND = "prompt_optimization"


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent, name="Second")


def text(response: Any) -> str:
    return response.content.decode()


def over(run: TrainingRun, **values: Any) -> str:
    """The address of the run when it is over."""
    TrainingRun.objects.filter(pk=run.pk).update(**{"status": RunStatus.COMPLETED, "llm_calls": 300} | values)
    return f"{LIST}{run.pk}/"


def test_the_estimate_counts_the_calls_of_the_gate_apart(sign_in: Any, agent: Agent, version: DatasetVersion) -> None:
    most = 2 * (min(40, version.total - version.test_count) + 3)
    assert f"at most {most} calls more" in text(sign_in("admin").get(f"{LIST}new/"))
    estimate = plan_run(agent, version, None, KIND, None).estimate()
    assert (estimate.calls, estimate.gate_calls) == (340, most)


def test_a_judge_doubles_the_calls_of_the_gate(agent: Agent, version: DatasetVersion) -> None:
    plan = plan_run(agent, version, None, KIND, None)
    judged = replace(plan, wishes=RunConfig(metric="judge"))
    assert judged.estimate().gate_calls == 2 * plan.estimate().gate_calls


def test_tokens_that_nobody_reported_are_not_told_as_none(sign_in: Any, run: TrainingRun) -> None:
    page = text(sign_in("member").get(over(run)))
    assert 'data-testid="money">not reported<' in page and '<td class="num">not reported</td>' in page
    assert "The endpoint reported no tokens" in page


def test_a_free_model_that_reports_its_tokens_costs_nothing(sign_in: Any, run: TrainingRun) -> None:
    page = text(sign_in("member").get(over(run, input_tokens=900)))
    assert 'data-testid="money">0<' in page and "how-counted" not in page


def test_estimated_tokens_and_money_are_marked(sign_in: Any, run: TrainingRun) -> None:
    spent = {"input_tokens": 9_000, "output_tokens": 600, "cost": Decimal("0.0300"), "estimated_calls": 120}
    page = text(sign_in("member").get(over(run, **spent)))
    for told in ("about 9,000", "about 600", 'data-testid="money">about 0.03<', "the tokens of 120 of 300 calls"):
        assert told in page, told
    live = text(sign_in("member").get(over(run, status=RunStatus.RUNNING)))
    assert "about 9,000 in, about 600 out" in live and "the tokens of 120 of 300 calls" in live
    other = training.start_training_run(agent=run.agent)
    compared = text(sign_in("member").get(f"{LIST}compare/", {"run": [run.pk, other.pk]}))
    assert "about 9,000 in, about 600 out" in compared and "about 0.03" in compared


@pytest.mark.parametrize(("config", "told"), [({"max_tokens": 10**9}, True), ({}, False)])
def test_a_limit_says_that_it_holds_for_an_estimate_where_the_endpoint_was_silent_before(
    run: TrainingRun, version: DatasetVersion, config: dict[str, Any], told: bool
) -> None:
    over(run, input_tokens=9_000, estimated_calls=120, seconds=60)
    warnings = plan_run(run.agent, version, None, KIND, config).estimate().warnings
    assert any("did not report what calls took" in one for one in warnings) is told


def test_remembered_answers_are_told_beside_the_calls(sign_in: Any, run: TrainingRun) -> None:
    page = text(sign_in("member").get(over(run, llm_calls=120, metrics=CONFIRMED | {"cost": {"calls": 320}})))
    assert 'data-testid="calls">120<' in page and 'data-testid="remembered">200<' in page
    assert "Best score against questions" in page


def test_a_candidate_that_an_earlier_run_proposed_leads_to_its_one_gate(
    sign_in: Any, run: TrainingRun, agent: Agent
) -> None:
    config = factories.make_config(agent, status="candidate", training_run=run)
    report = GateReport.objects.create(config=config, training_run=run, status="passed", attempt=1, llm_calls=86)
    again = training.start_training_run(agent=agent)
    page = text(sign_in("admin").get(over(again, candidate_config=config)))
    assert "proposed-before" in page and f"{LIST}{run.pk}/" in page and f"/admin/learning/gates/{report.pk}/" in page
    assert "gate-calls" not in page, "they are the other run's"
    assert "proposed-before" not in text(sign_in("admin").get(over(run, candidate_config=config)))
