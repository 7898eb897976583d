"""What a run proposes becomes a candidate config once, however often the same is found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.utils import timezone

from learning.engines.types import Prompt
from learning.models import Agent, AgentConfig, DatasetVersion, GateReport, TrainingRun
from learning.services import gate, run_progress, training
from tests import factories

FOUND = Prompt(system_prompt="Answer with one word.")


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent, dataset_version=version)


def finish(run: TrainingRun, found: Prompt = FOUND) -> AgentConfig:
    """The candidate of the run, which comes to its end with this finding."""
    work = factories.claim_run(run)
    assert work
    told = SimpleNamespace(candidate=found, as_json=lambda: {"verdict": "improved"}, confirmation=None, opened=False)
    report = run_progress.finish_run(claim=work.claim, result=cast(Any, told))
    run.refresh_from_db()
    config: AgentConfig = run.candidate_config
    assert (report is not None) == (config.training_run == run), "a gate belongs to what is new"
    return config


def again(run: TrainingRun, found: Prompt = FOUND) -> AgentConfig:
    return finish(training.rerun_training_run(run=run), found)


def test_a_candidate_is_made_of_what_a_run_found_and_gets_its_gate(run: TrainingRun) -> None:
    config = finish(run)
    assert config.content["system_prompt"] == "Answer with one word."
    assert (config.training_run, config.parent) == (run, run.base_config)
    assert training.gate_report(run) == GateReport.objects.get(config=config)


def test_a_repetition_that_finds_the_same_points_to_the_first_candidate(run: TrainingRun) -> None:
    first, repeated = finish(run), training.rerun_training_run(run=run)
    assert finish(repeated) == first
    assert AgentConfig.objects.filter(status="candidate").count() == GateReport.objects.count() == 1
    assert training.gate_report(repeated) == training.gate_report(run)
    assert "the same: no second one is made" in repeated.log_lines.order_by("id").last().message


def test_another_finding_is_another_candidate(run: TrainingRun) -> None:
    first = finish(run)
    assert again(run, Prompt(system_prompt="Answer with two words.")) != first
    assert GateReport.objects.count() == 2


def test_what_a_person_rejected_may_be_proposed_again(run: TrainingRun) -> None:
    first = finish(run)
    GateReport.objects.update(status="failed")
    gate.reject_config(report=GateReport.objects.get(), user=None)
    assert again(run) != first


def test_the_same_from_another_start_is_another_candidate(run: TrainingRun, agent: Agent) -> None:
    first = finish(run)
    assert finish(training.start_training_run(agent=agent, base_config=factories.make_config(agent))) != first


def test_a_config_that_was_built_from_erased_data_stands_for_no_later_run(run: TrainingRun) -> None:
    first = finish(run)
    AgentConfig.objects.update(erased_at=timezone.now())
    assert again(run) != first
