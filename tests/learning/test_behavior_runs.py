"""A policy update from demonstrations in the database, through the task, with real commits."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from learning import gate_tasks, training_tasks
from learning.engines.behavior.episodes import Action
from learning.models import (
    TEST_SPLIT_READ,
    Agent,
    DatasetVersion,
    Demonstration,
    ExampleType,
    GateReport,
    LearningExample,
    ReviewStatus,
    RunStatus,
    TrainingRun,
)
from learning.services import training
from learning.services.action_corrections import incorporate_correction
from learning.services.behavior_data import read_corrections, read_episodes
from learning.services.dataset_versions import count_earlier_readings, list_readings
from learning.services.datasets import create_dataset
from learning.services.demonstrations import add_demonstration
from learning.services.publication import publish_version
from organizations.errors import Refused
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.engines.behavior.worlds import shop, state
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)
CITIES = ["Oslo", "Rome", "Bern", "Kyiv", "Lima", "Cairo", "Delhi", "Paris"]
STREETS = ["Oak", "Elm", "Mill", "Church", "Station", "Harbour", "Castle", "Market"]


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return factories.make_organization()


@pytest.fixture
def agent(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.setattr(gate_tasks.run_gate, "delay", lambda **kwargs: None)
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
    return agent


def publish(agent: Agent, count: int = 90) -> DatasetVersion:
    for number, episode in enumerate(shop(count, careful=0.8)):
        first = episode.steps[0]
        city, street = CITIES[number % 8], STREETS[(number // 8 + number) % 8]
        asked = (
            f"{first.observation}. I live in {city}, {street} street {number}, and it {'was' * (number % 3)} {number}."
        )
        steps = (type(first)(asked, first.action, first.outcome, first.failed, first.source), *episode.steps[1:])
        add_demonstration(agent=agent, episode=type(episode)(episode.key, steps, episode.reward, f"case {number}"))
    LearningExample.objects.update(review_status=ReviewStatus.APPROVED)
    types = [ExampleType.DEMONSTRATION, ExampleType.PREFERENCE]
    return publish_version(dataset=create_dataset(name="shop", agent=agent, example_types=types))


def work(organization: Organization, run: TrainingRun) -> TrainingRun:
    training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))
    with organization_scope(organization.pk):
        return TrainingRun.objects.select_related("candidate_config").get(pk=run.pk)


def test_a_run_proposes_a_policy_update_with_its_proof(organization: Organization, agent: Agent) -> None:
    with organization_scope(organization.pk):
        version = publish(agent)
        run = training.start_training_run(agent=agent, training_type="behavior_cloning", seed=3)
        assert run.estimate["calls"] == 0
    run = work(organization, run)

    assert run.status == RunStatus.COMPLETED, run.failure_reason
    found: dict[str, Any] = run.metrics["behavior"]
    assert run.metrics["verdict"] == "improved" and found["overall"]["low"] > 0
    assert found["learned"] + found["held_out"] == 90
    assert run.llm_calls == 0
    assert run.candidate_config
    content = run.candidate_config.content
    assert content["behavior"]["action_policy"]["actions"]
    assert "only after look_up" in content["system_prompt"]
    with organization_scope(organization.pk):
        assert AuditEvent.objects.filter(action=TEST_SPLIT_READ, target_id=str(version.pk)).count() == 1
        report_id = run.gate_reports.get().pk
    check_gate(organization, run, str(report_id))


def check_gate(organization: Organization, run: TrainingRun, report_id: str) -> None:
    """Learned behavior is compared on the held-out demonstrations, and no transcript is asked for as an answer."""
    with ScriptedLLM(lambda messages: "Let me see.") as llm, override_settings(OPENAI_BASE_URL=llm.base_url):
        gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        report = GateReport.objects.get(pk=report_id)
        assert report.status == "passed", report.summary
        found = report.summary["behavior"]
        assert found["change"]["value"] > 0 and report.summary["checked"] == 0
        held_out = run.dataset_version.items.filter(split="test")
        names = {case["name"] for case in report.cases if case["kind"] == "behavior"}
        assert names <= {str(key) for key in held_out.values_list("example_id", flat=True)}
        assert len(names) == found["checked"] > 0 and all(case["sealed"] for case in report.cases)
        assert report.llm_calls == 9  # three requests, hostile for both configs and plain for the candidate
        readings = list_readings(run.dataset_version)
        assert [one.gate for one in readings] == [report.pk, None]
        assert count_earlier_readings(version_id=run.dataset_version_id, run_id=run.pk) == 0


def test_corrections_in_the_version_are_learned_from_and_tries_of_held_out_cases_are_not(
    organization: Organization, agent: Agent
) -> None:
    with organization_scope(organization.pk):
        correction = incorporate_correction(
            agent=agent,
            original_action=Action("refund"),
            corrected_action=Action("look_up"),
            explanation="look first",
            context=state("I am in Helsinki and want my money back for the broken lamp", "respond"),
        )
        version = publish(agent, 60)
        test = version.items.filter(split="test").values("example_id")
        there = version.items.filter(example_id=correction.example_id).exclude(split="test").exists()
        assert len(read_corrections(version, agent)) == int(there)
        before = read_episodes(version)
        held_out = Demonstration.objects.filter(example_id__in=test).first()
        assert held_out is not None
        Demonstration.objects.filter(pk=before[0].key).update(case=held_out.case)
        assert before[0].key not in {one.key for one in read_episodes(version)}


def test_a_version_without_enough_demonstrations_is_refused_with_the_numbers(
    organization: Organization, agent: Agent
) -> None:
    with organization_scope(organization.pk):
        factories.make_published_version(agent, examples=60)
        with pytest.raises(Refused, match="has 0 and 0") as refusal:
            training.start_training_run(agent=agent, training_type="behavior_cloning")
        assert refusal.value.field == "dataset_version_id"
        with pytest.raises(Refused, match="imitation, preference"):
            training.start_training_run(agent=agent, training_type="behavior_cloning", config={"strategy": "x"})
