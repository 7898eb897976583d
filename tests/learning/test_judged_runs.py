"""A run that a judge scores: compared with the experts first, shown with its agreement, refused without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learning import gate_tasks, training_tasks
from learning.models import LearningExample, RunStatus, TrainingRun
from learning.services import training
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import StrangerClient
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)
MOST_COMPARED = 60


def is_judged(messages: list[dict[str, str]]) -> bool:
    return "You grade answers" in messages[0]["content"]


def answer(messages: list[dict[str, str]]) -> str:
    label = "positive" if "good" in messages[-1]["content"] else "negative"
    return label if any(message["role"] == "assistant" for message in messages) else f"I think it is {label}"


def fair(messages: list[dict[str, str]]) -> str:
    """As the experts of these tests see it: chatty answers about good films are better than those about bad ones."""
    if not is_judged(messages):
        return answer(messages)
    asked = messages[-1]["content"]
    chatty = "I think" in asked
    return "GRADE: 4" if not chatty else "GRADE: 3" if "good" in asked else "GRADE: 1"


def indifferent(messages: list[dict[str, str]]) -> str:
    return "GRADE: 2" if is_judged(messages) else answer(messages)


def judged_run(settings: Any, monkeypatch: pytest.MonkeyPatch, judge: Callable[..., str]) -> tuple[Any, TrainingRun]:
    """The organization and its run, worked through."""
    for task in (training_tasks.run_training, gate_tasks.run_gate):
        monkeypatch.setattr(task, "delay", lambda **_: None)
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        LearningExample.objects.update(source_type="expert_review")
        LearningExample.objects.filter(input_text__contains="good").update(quality_score=0.75)
        LearningExample.objects.filter(input_text__contains="bad").update(quality_score=0.25)
        run = training.start_training_run(agent=agent, config={"max_calls": 400, "metric": "judge"})
    with ScriptedLLM(judge) as server:
        settings.OPENAI_BASE_URL = server.base_url
        training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))
    with organization_scope(organization.pk):
        run.refresh_from_db()
    return organization, run


def test_a_judge_that_agrees_scores_the_run_and_its_agreement_is_shown(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization, run = judged_run(settings, monkeypatch, fair)
    assert run.status == RunStatus.COMPLETED, run.failure_reason
    assert run.llm_calls <= 400
    assert (run.metrics["judge"]["accepted"], run.metrics["judge"]["kappa"]) == (True, 1.0)
    client = StrangerClient()
    client.force_login(factories.make_user(organization), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/learning/training/{run.pk}/").content.decode()
    assert "weighted kappa 1.00 (1.00 to 1.00)" in page
    assert "mean score: graded by a language model" in page


def test_a_judge_that_does_not_agree_ends_the_run_with_the_reason_and_few_calls(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = judged_run(settings, monkeypatch, indifferent)
    assert run.status == RunStatus.FAILED
    assert "does not agree with the experts" in run.failure_reason
    assert 0 < run.llm_calls <= MOST_COMPARED
