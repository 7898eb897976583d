"""A run that has too little time for its calls: it ends in order and keeps what it found."""

from __future__ import annotations

from typing import Any

import pytest

from learning import gate_tasks, training_tasks
from learning.models import RunStatus
from learning.services import run_budget, training
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_without_a_limit_of_its_own_ends_before_it_would_fail(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (training_tasks.run_training, gate_tasks.run_gate):
        monkeypatch.setattr(task, "delay", lambda **_: None)
    settings.TRAINING_JOB_TIMEOUT, settings.LLM_CONCURRENCY = 8, 2
    monkeypatch.setattr(run_budget, "TIME_TO_END", 0.5)
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        run = training.start_training_run(agent=agent, config={"max_calls": 1_000})
    with ScriptedLLM(lambda messages: "positive", delay=0.1) as server:
        settings.OPENAI_BASE_URL = server.base_url
        training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))
    with organization_scope(organization.pk):
        run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED, run.failure_reason
    assert run.metrics["trace"] and run.metrics["variants"]
    assert 0 < run.llm_calls < 900
    assert run.seconds < 8
