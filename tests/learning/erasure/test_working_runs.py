"""Runs and gates that are at work while a person is forgotten: what they hold goes, and they write none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from learning.engines.safety.results import GateResult
from learning.models import EvaluationChunk, GateReport, LearningExample, RunStatus, TrainingRun
from learning.services import gate, run_progress
from learning.services.datasets import create_dataset
from learning.services.gate import LostGate
from learning.services.publication import publish_version
from learning.services.run_ledger import LostClaim
from learning.services.run_progress import Claim
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.erasure import people
from tests.learning.erasure.dump import places_of
from tests.learning.erasure.test_forgetting import MARK, USER, erase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    return factories.make_organization()


@pytest.fixture
def made(organization: Organization) -> dict[str, Any]:
    people.send_everything(organization, USER, MARK, "own")
    return people.learn_from(organization, USER, MARK)


def at_work(run: TrainingRun, said: str) -> None:
    """A worker has the run, and a chunk of it waits that holds what was said."""
    now = timezone.now()
    at = {"status": RunStatus.RUNNING, "attempt": 1, "started_at": now, "claimed_at": now, "heartbeat_at": now}
    TrainingRun.objects.filter(pk=run.pk).update(**at)
    asked = {"model": "m", "messages": [{"role": "user", "content": said}], "parameters": {}}
    EvaluationChunk.objects.create(run=run, keys=["1" * 64], requests=[asked])


def test_what_a_run_would_have_asked_next_is_gone_with_it(organization: Organization, made: dict[str, Any]) -> None:
    """The whole request: the quotes alone would leave the words that others say too."""
    with organization_scope(organization.pk):
        example = LearningExample.objects.filter(input_text__contains=MARK).first()
        assert example is not None
        at_work(made["run"], f"Answer politely. {example.input_text}")
    erase(organization)
    with organization_scope(organization.pk):
        run = TrainingRun.objects.get(pk=made["run"].pk)
        assert (run.status, run.claimed_at) == (RunStatus.CANCELLED, None)
        assert not EvaluationChunk.objects.exists()
    assert places_of(MARK) == []


def test_a_run_that_began_with_a_config_that_shows_them_is_stopped(
    organization: Organization, made: dict[str, Any]
) -> None:
    """It learns from others, but its worker holds the prompt, and would propose it again."""
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_example(agent, input_text="Nobody in particular", review_status="approved")
        version = publish_version(dataset=create_dataset(name="Others", agent=agent))
        run = TrainingRun.objects.create(
            name="On", agent=made["config"].agent, base_config=made["config"], dataset_version=version,
            training_type="prompt_optimization",
        )  # fmt: skip
        at_work(run, str(made["config"].content))
    erase(organization)
    with organization_scope(organization.pk):
        run.refresh_from_db()
        assert run.status == RunStatus.CANCELLED and "being erased" in run.failure_reason
        assert not EvaluationChunk.objects.exists()
        with pytest.raises(LostClaim):
            run_progress.fail_run(claim=Claim(run.pk, 1), reason=f"Dear {MARK}")
    assert places_of(MARK) == []


def test_the_gate_of_a_draft_begins_again_and_its_old_worker_writes_nothing(
    organization: Organization, made: dict[str, Any]
) -> None:
    with organization_scope(organization.pk):
        agent = made["config"].agent
        report = GateReport.objects.create(config=factories.make_config(agent, "draft", parent=made["base"]))
        old = factories.claim_gate(report)
        assert old is not None and any(MARK in one.input + one.expected for one in old.examples)
    erase(organization)
    with organization_scope(organization.pk):
        new = factories.claim_gate(report)
        assert new is not None and new.attempt == old.attempt + 1
        assert not any(MARK in one.input + one.expected for one in new.examples)
        gate.finish_gate(
            report_id=report.pk, attempt=old.attempt, result=GateResult(True, (f"{MARK}",), 1, 1, 1, 0, ())
        )
        with pytest.raises(LostGate):
            gate.beat_gate(report_id=report.pk, attempt=old.attempt, message=MARK)
        assert GateReport.objects.get(pk=report.pk).status == "running"
    assert places_of(MARK) == []
