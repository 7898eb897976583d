"""The whole demo against a scripted model: real HTTP, real services, only the worker lives in this process."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import ExpertAnnotation
from experiments.models import Deployment, Experiment
from learning.gate_tasks import run_gate
from learning.models import Agent, AgentFeedback, Execution, LearningExample, ReviewStatus, TrainingRun
from learning.services import gate, training
from learning.training_tasks import run_training
from organizations.models import AuditEvent
from organizations.scope import organization_scope
from project.demo import learning_loop
from project.demo.data import read_items
from project.demo.plan import MESSAGES, REVIEWS, Plan, Trial
from project.demo.result import Result
from project.demo.sign_ins import find_demo
from project.demo.story import Story
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)

RIGHT = {item.text: item.expected for name in ("reviews", "messages") for item in read_items(name)}
PARTS = ({"user__contains": "-staff-"}, {"user__contains": "-visitor-"})
SMALL = Plan(
    main=REVIEWS.__class__(**vars(REVIEWS) | {"learning": 70, "untouched": 30, "max_calls": 100, "trial": 40}),
    second=MESSAGES.__class__(**vars(MESSAGES) | {"learning": 70, "untouched": 20, "max_calls": 90}),
    trial=Trial(users_per_look=65, looks=2, texts_per_user=2),
    edits=8,
    edits_pending=3,
)


def answer(messages: list[dict[str, str]]) -> str:
    """Talks without examples; with examples it answers in one word, and is wrong about every fifth text."""
    text = messages[-1]["content"]
    right = RIGHT.get(text, "positive")
    if not any(message["role"] == "assistant" for message in messages):
        return f"I would say {right} here"
    return right if len(text) % 5 else "nothing"


def hopeless(messages: list[dict[str, str]]) -> str:
    return "I would not know"


@pytest.fixture
def play(live_server: Any, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(learning_loop.time, "sleep", lambda seconds: work())

    def played(script: Any = answer) -> tuple[Result, list[str]]:
        lines: list[str] = []
        with ScriptedLLM(script) as server:
            settings.OPENAI_BASE_URL = server.base_url
            result = Story(live_server.url, SMALL, lines.append).play()
        print("\n".join([*lines, *result.lines()]))
        return result, lines

    return played


def work() -> None:
    """What the worker does, while the demo waits."""
    organization = find_demo()
    assert organization
    with organization_scope(organization.id):
        runs, gates = training.due_runs(), gate.open_gates()
    for run_id in runs:
        run_training(organization_id=str(organization.id), run_id=str(run_id))
    for report_id in gates:
        run_gate(organization_id=str(organization.id), report_id=str(report_id))


@pytest.mark.slow
def test_the_demo_plays_the_whole_loop_and_again_without_a_gain(play: Any) -> None:
    result, lines = play()
    check_figures(result)
    assert len(lines) == 15 and "100 users and 0 hours" in "".join(lines)
    organization = find_demo()
    assert organization
    with organization_scope(organization.id):
        check_rows(result)

    hopeless_result, hopeless_lines = play(hopeless)
    check_honest_stop(hopeless_result, hopeless_lines)
    with organization_scope(organization.id):
        assert LearningExample.objects.filter(agent__external_id="editor").count() == 8, "imported once"
        assert str(Agent.objects.get(external_id="reviews").serving_config_id) == result.main.candidate_id


def check_figures(result: Result) -> None:
    figures = result.as_json()
    assert figures["accuracy_before"] == 0 and figures["accuracy_after"] > 0.6
    assert figures["gain_low"] > 0 and figures["untouched_n"] == 30
    assert figures["named_before"] == 1, "the right word stood there all the time, and the output says so"
    assert figures["verdict"] == "treatment" and figures["deployed"] is True
    assert figures["lineage_url"].endswith(f"/admin/learning/lineage/{result.main.candidate_id}/")
    assert figures["second_task"]["untouched_n"] == 20 and figures["second_task"]["verdict"] == "no experiment"
    assert figures["llm_calls"] > 300 and figures["seconds"] > 0


def check_honest_stop(result: Result, lines: list[str]) -> None:
    figures = result.as_json()
    assert (result.main.agent, result.second.agent) == ("reviews-2", "messages-2")
    assert figures["verdict"] == "no candidate" and figures["deployed"] is False and figures["lineage_url"] == ""
    assert figures["accuracy_before"] == figures["accuracy_after"] == 0 == figures["gain"]
    assert any("nothing to deploy" in line for line in lines)
    assert "nothing was learned" in "\n".join(result.lines())


def check_rows(result: Result) -> None:
    """What the demo left behind, so that every page has true content."""
    reviews = Agent.objects.get(external_id="reviews")
    assert str(reviews.serving_config_id) == result.main.candidate_id
    assert Deployment.objects.filter(agent=reviews, status="serving", experiment__status="completed").count() == 1
    assert Experiment.objects.get(agent=reviews).exposures.count() == 130
    examples = LearningExample.objects.filter(agent=reviews)
    assert examples.filter(review_status=ReviewStatus.APPROVED).count() == examples.count() > 50
    assert TrainingRun.objects.filter(status="completed").count() == 2

    editor = LearningExample.objects.filter(agent__external_id="editor")
    assert editor.filter(review_status=ReviewStatus.PENDING).count() == 3
    experts = ExpertAnnotation.objects.filter(example__in=editor).values_list("expert__username", flat=True)
    assert set(experts) <= {"demo-reviewer-1", "demo-reviewer-2", "demo-reviewer-3"} and len(experts) >= 10
    assert AgentFeedback.objects.filter(agent__external_id="editor").count() == len(experts)

    used = [set(Execution.objects.filter(agent=reviews, **part).values_list("input", flat=True)) for part in PARTS]
    assert not used[0] & used[1], "the experiment's texts are fresh"
    labels = set(AuditEvent.objects.values_list("actor_label", flat=True))
    assert {"demo-admin", "demo-manager", "demo-expert"} <= labels
