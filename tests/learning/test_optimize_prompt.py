"""`manage.py optimize_prompt` starts what the page and the API start, and tells its outcome."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from learning.engines.types import Cost
from learning.management.commands import optimize_prompt
from learning.models import AgentConfig, RunStatus, TrainingRun
from learning.services import run_progress
from learning.services.agents import set_serving_config
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.run_results import CONFIRMED

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def aster(monkeypatch: pytest.MonkeyPatch) -> Organization:
    from learning.training_tasks import run_training

    monkeypatch.setattr(run_training, "delay", lambda **_: None)
    organization = factories.make_organization("Aster")
    with organization_scope(organization.pk):
        agent = factories.make_agent(external_id="critic")
        factories.make_config(agent)
        factories.make_published_version(agent)
    return organization


def run(organization: Organization, *words: str) -> str:
    told = io.StringIO()
    call_command("optimize_prompt", "--organization", organization.slug, "--agent", "critic", *words, stdout=told)
    return told.getvalue()


def started(organization: Organization) -> TrainingRun:
    with organization_scope(organization.pk):
        return TrainingRun.objects.get()


def test_a_run_begins_with_the_config_that_was_named(aster: Organization) -> None:
    with organization_scope(aster.pk):
        older = AgentConfig.objects.get()
        serving = factories.make_config(older.agent)
        set_serving_config(agent=older.agent, config=serving)
    run(aster, "--base-config", str(older.number))
    assert started(aster).base_config_id == older.pk != serving.pk


@pytest.mark.parametrize("number", ["77", "-1", "99999999999999"])
def test_a_config_that_is_not_there_is_named(aster: Organization, number: str) -> None:
    with pytest.raises(CommandError, match=f"The agent has no config {number}"):
        run(aster, "--base-config", number)


def test_a_run_is_queued_with_what_was_asked_for(aster: Organization) -> None:
    told = run(
        aster, "--budget-calls", "200", "--budget-tokens", "90000", "--budget-seconds", "600", "--metric",
        "json_schema", "--metric-option", 'schema={"type": "object"}', "--goal", "accuracy", "--goal", "brevity",
        "--strategy", "few_shot", "--concurrency", "4", "--seed", "7", "--name", "Friday",
    )  # fmt: skip
    queued = started(aster)
    assert str(queued.pk) in told and f"/admin/learning/training/{queued.pk}/" in told
    assert (queued.name, queued.seed, queued.status) == ("Friday", 7, RunStatus.PENDING)
    assert queued.config == {
        "max_calls": 200, "max_tokens": 90_000, "max_seconds": 600, "metric": "json_schema",
        "metric_options": {"schema": {"type": "object"}}, "goals": ["accuracy", "brevity"], "rewrites": 0,
        "strategies": ["few_shot"], "concurrency": 4,
    }  # fmt: skip


def test_an_estimate_starts_nothing(aster: Organization) -> None:
    told = run(aster, "--estimate", "--budget-calls", "200", "--budget-tokens", "10")
    assert "at most 200" in told and "10 tokens are probably used up" in told
    with organization_scope(aster.pk):
        assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--budget-calls", "7"], "config.max_calls: This must be a whole number from 80"),
        (["--budget-money", "-1"], "config.max_money: This must be an amount above 0"),
        (["--metric", "magic"], "config.metric: Unknown metric"),
        (["--goal", "speed"], "config.goals: Unknown optimization goal"),
        (["--strategy", "magic"], "config.strategies: There is no strategy 'magic'"),
        (["--dataset-version", "nonsense"], "There is no dataset version 'nonsense'"),
        (["--agent", "nobody"], "There is no agent 'nobody'"),
        (["--organization", "nobody"], "There is no organization 'nobody'"),
        (["--metric-option", "schema"], "NAME=VALUE"),
        (["--metric-option", "schema={"], "not valid JSON"),
        (["--metric-option", 'schema={"title": "\\u0000"}'], "schema: title: This text holds a NUL"),
        (["--metric-option", 'schema={"title": "\\ud800"}'], "half of a surrogate pair"),
        (["--metric-option", 'schema={"default": NaN}'], "not valid JSON"),
        (["--metric-option", "schema=" + '{"a":' * 50_000], "nested deeper than 32 levels"),
        (["--metric-option", 'schema={"maximum": ' + "1" * 5_000 + "}"], "not valid JSON"),
        (["--metric", "judge", "--metric-option", "rubric=half a pair: \ud800"], "cannot be stored"),
        (["--name", "x" * 201], "name: A name has at most 200 characters, not 201"),
        (["--name", "half a pair: \ud800"], "name: A name has no NUL"),
    ],
)
def test_a_bad_wish_is_told_with_its_name(aster: Organization, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said.replace("(", r"\(")):
        run(aster, *words)
    with organization_scope(aster.pk):
        assert not TrainingRun.objects.exists()


@pytest.fixture
def worker(aster: Organization, monkeypatch: pytest.MonkeyPatch) -> Any:
    """worker(end) works while the command sleeps: one step, then the end that is given."""

    def work_like(end: Any) -> None:
        steps = iter((_claim, _log, end))

        def asleep(seconds: float) -> None:
            with organization_scope(aster.pk):
                next(steps)(TrainingRun.objects.get())

        monkeypatch.setattr(optimize_prompt, "time", SimpleNamespace(sleep=asleep, monotonic=time.monotonic))

    return work_like


def _claim(run: TrainingRun) -> None:
    factories.claim_run(run)


def _log(run: TrainingRun) -> None:
    claim = run_progress.Claim(run.pk, 1)
    run_progress.record_progress(claim=claim, step=85, total=340, message="Round 1", cost=Cost(85))
    run_progress.append_log(claim=claim, message="Round 1")


def test_waiting_shows_the_way_and_the_result(aster: Organization, worker: Any) -> None:
    def end(run: TrainingRun) -> None:
        config = factories.make_config(run.agent, status="candidate")
        values = {"status": RunStatus.COMPLETED, "metrics": CONFIRMED, "candidate_config": config, "llm_calls": 300}
        TrainingRun.objects.filter(pk=run.pk).update(**values)

    worker(end)
    told = run(aster, "--wait")
    for expected in (
        "Starting from config", " 25 %  Round 1", "Improved.", "Gain +20.0 points [+8.0, +32.0] on 45 sealed test",
        "Tested once: none needed.", "Candidate: config", "- 12 failing examples need data", "It took 300 calls",
    ):  # fmt: skip
        assert expected in told, expected
    assert told.count("Round 1") == 1, "a line is told once"


def test_a_failure_ends_the_command_with_the_reason(aster: Organization, worker: Any) -> None:
    worker(lambda run: run_progress.fail_run(claim=run_progress.Claim(run.pk, 1), reason="It broke.", cost=Cost()))
    with pytest.raises(CommandError, match="It broke"):
        run(aster, "--wait")


def test_without_a_worker_it_says_so_once(aster: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(100))

    def asleep(seconds: float) -> None:
        with organization_scope(aster.pk):
            if next(looks) > 8:
                TrainingRun.objects.update(status=RunStatus.CANCELLED)

    clock = SimpleNamespace(sleep=asleep, monotonic=lambda: 20.0 * next(looks))
    monkeypatch.setattr(optimize_prompt, "time", clock)
    told = io.StringIO()
    with pytest.raises(CommandError, match="was cancelled"):
        call_command(
            "optimize_prompt", "--organization", aster.slug, "--agent", "critic", "--wait", stdout=told
        )  # fmt: skip
    assert told.getvalue().count("No worker has taken it yet") == 1
