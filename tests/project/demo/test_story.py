"""The whole demo against a scripted model: real HTTP, real services, only the worker lives in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest

from annotation.models import ExpertAnnotation
from experiments.models import Deployment, Experiment
from learning.gate_tasks import run_gate
from learning.models import Agent, AgentFeedback, Execution, LearningExample, ReviewStatus, TrainingRun
from learning.services import gate, training
from learning.services.agent_directory import create_agent
from learning.training_tasks import run_training
from organizations.models import AuditEvent
from organizations.scope import organization_scope
from project.demo import learning_loop
from project.demo.data import read_items
from project.demo.plan import MESSAGES, REVIEWS, Plan, Trial
from project.demo.result import Result
from project.demo.sign_ins import find_demo
from project.demo.story import Story, _run_sentence
from tests.scripted_llm import ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)

RIGHT = {item.text: item.expected for name in ("reviews", "messages") for item in read_items(name)}
PARTS = ({"user__contains": "-staff-"}, {"user__contains": "-visitor-"})
SMALL = Plan(
    main=REVIEWS.__class__(**vars(REVIEWS) | {"learning": 70, "untouched": 24, "max_calls": 90, "trial": 40}),
    second=MESSAGES.__class__(**vars(MESSAGES) | {"learning": 60, "untouched": 12, "max_calls": 80}),
    trial=Trial(users_per_look=80, looks=2, texts_per_user=1),
    edits=8,
    edits_pending=3,
)


def answer(messages: list[dict[str, str]]) -> str:
    """Without examples it talks, and names the right word in half of the cases; with them three in four are right."""
    text = messages[-1]["content"]
    right, chance = RIGHT.get(text, "positive"), crc32(text.encode())
    if not any(message["role"] == "assistant" for message in messages):
        return f"I would say {right} here" if chance % 2 else "That is a long story"
    return right if chance // 2 % 4 else "nothing"


@pytest.fixture
def story(live_server: Any, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """story() -> a Story of the small plan, whose `lines` are what it prints."""
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    clock = SimpleNamespace(sleep=lambda seconds: work(), monotonic=time.monotonic)
    monkeypatch.setattr(learning_loop, "time", clock)

    def told() -> Any:
        lines: list[str] = []
        story: Any = Story(live_server.url, SMALL, lines.append)
        story.lines = lines
        return story

    with ScriptedLLM(answer) as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield told


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
@pytest.mark.timeout(900)  # a quarter of an hour on the busiest machine; half a minute on a quiet one
def test_the_demo_plays_the_whole_loop(story: Any) -> None:
    told = story()
    result = told.play()
    print("\n".join([*told.lines, *result.lines()]))
    check_figures(result)
    assert len(told.lines) == 15 and "100 users and 0 hours" in "".join(told.lines)
    with organization_scope(told.organization_id):
        check_rows(result)


def test_another_play_has_agents_of_its_own_and_imports_the_edits_once(story: Any) -> None:
    first, second = story(), story()
    for told in (first, second):
        told._import_edits()
        with organization_scope(told.organization_id):
            create_agent(external_id=told._free_name("reviews"))
    assert second.lines == ['[ 1/15] Agent "editor": its edits are there already (0 s)']
    with organization_scope(first.organization_id):
        assert set(Agent.objects.values_list("external_id", flat=True)) == {"editor", "reviews", "reviews-2"}
        assert LearningExample.objects.count() == 8


def test_a_run_without_a_candidate_ends_in_no_experiment_and_says_so(story: Any) -> None:
    told = story()
    run = SimpleNamespace(candidate_config=None)
    loop = SimpleNamespace(name="reviews")
    assert told._go_live(loop, None, run, None) is None
    assert [line.partition("] ")[2] for line in told.lines] == [
        "No candidate, so nothing to check or to approve (0 s)",
        "No candidate, so no experiment and nothing to deploy (0 s)",
    ]


def check_figures(result: Result) -> None:
    figures = result.as_json()
    assert figures["accuracy_before"] == 0 and figures["accuracy_after"] > 0.4
    assert figures["gain_low"] > 0 and figures["untouched_n"] == 24
    assert figures["named_before"] > 0.2, "the right word stood there often, and the output says so"
    assert figures["verdict"] == "treatment" and figures["deployed"] is True
    assert figures["lineage_url"].endswith(f"/admin/learning/lineage/{result.main.candidate_id}/")
    assert figures["second_task"]["untouched_n"] == 12 and figures["second_task"]["verdict"] == "no experiment"
    assert figures["llm_calls"] > 200 and figures["seconds"] > 0


def check_rows(result: Result) -> None:
    """What the demo left behind, so that every page has true content."""
    reviews = Agent.objects.get(external_id="reviews")
    assert str(reviews.serving_config_id) == result.main.candidate_id
    assert Deployment.objects.filter(agent=reviews, status="serving", experiment__status="completed").count() == 1
    assert Experiment.objects.get(agent=reviews).exposures.count() == 160
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


@pytest.mark.parametrize(("calls", "said"), [(212, "Training, 212 calls:"), (0, "the same answers are remembered")])
def test_a_run_says_what_it_asked_and_on_how_much_of_the_sealed_split(calls: int, said: str) -> None:
    gain = {"mean": 0.5, "low": 0.3, "high": 0.7, "n": 29}
    run = TrainingRun(status="completed", llm_calls=calls, metrics={"verdict": "Better", "improvement": gain})
    sentence = _run_sentence(run, 59)
    assert said in sentence and "29 of 59 sealed test examples" in sentence
