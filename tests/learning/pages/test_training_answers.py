"""What the pages of training runs answer to odd requests and odd results, without a script in the browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from learning.models import Agent, DatasetVersion, RunStatus, TrainingRun
from learning.pages import training as pages
from learning.services import run_progress, training
from learning.services.run_budget import longest_seconds
from tests import factories
from tests.learning.pages.test_json_field import HOSTILE
from tests.learning.run_results import CONFIRMED

LIST = "/admin/learning/training/"
NEW, ESTIMATE = f"{LIST}new/", f"{LIST}estimate"
FORM = {"max_calls": 200, "metric": "exact", "goals": ["accuracy"], "rewrites": 0, "seed": 7}


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent, name="Second")


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_a_schema_that_cannot_be_kept_is_refused_at_its_field(sign_in: Any, version: DatasetVersion) -> None:
    client = sign_in("admin")
    for typed in HOSTILE.values():
        wish = FORM | {"version": str(version.pk), "metric": "json_schema", "json_schema_schema": typed}
        assert 'id="id_json_schema_schema_error"' in text(client.post(NEW, wish)), typed[:40]
        assert "Schema: " in text(client.post(ESTIMATE, wish)), typed[:40]
    assert not TrainingRun.objects.exists()


def test_a_form_that_was_refused_says_what_to_change_and_not_to_choose_a_version(
    sign_in: Any, version: DatasetVersion
) -> None:
    page = text(sign_in("admin").post(NEW, FORM | {"version": str(version.pk), "max_calls": 3}))
    (aside,) = re.findall(r"<aside.*?</aside>", page, re.S)
    assert "Most calls: Ensure this value is greater than or equal to 80." in aside
    assert "Choose a dataset version first" not in page


def test_the_form_tells_the_time_that_a_run_has(sign_in: Any, version: DatasetVersion, settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT = 7_200
    (field,) = re.findall(r'<input[^>]*name="max_seconds"[^>]*>', text(sign_in("admin").get(NEW)))
    assert f'placeholder="{longest_seconds():,}"' in field and "7,080" in field


def test_a_search_keeps_to_the_agent_whose_prompt_is_to_be_optimized(
    sign_in: Any, agent: Agent, version: DatasetVersion
) -> None:
    other = factories.make_agent(name="Other")
    factories.make_published_version(other)
    client = sign_in("admin")
    assert f'<input type="hidden" name="agent" value="{agent.pk}">' in text(client.get(NEW, {"agent": str(agent.pk)}))
    found = text(client.get(NEW, {"agent": str(agent.pk), "find": "other"}))
    assert "No dataset of Critic with such a name" in found and "Optimize the prompt of Critic" in found
    assert 'name="agent"' not in text(client.get(NEW))


def test_a_poll_leaves_no_line_of_the_log_out(sign_in: Any, run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOG_LINES", 2)
    work = factories.claim_run(run)
    assert work
    client, after, seen = sign_in("member"), str(run.log_lines.get().pk), []
    for number in range(5):
        run_progress.append_log(claim=work.claim, message=f"line-{number}")
    for _ in range(4):
        page = text(client.get(f"{LIST}{run.pk}/", {"after": after}, headers={"HX-Request": "true"}))
        seen += re.findall(r"line-\d", page)[::-1]  # the newest first
        (after,) = re.findall(r'name="after" value="([^"]+)"', page)
    assert seen == [f"line-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"worse_count": 180}, "180"),
        ({}, "at least 50"),
        ({"worse_count": 50}, "50"),
        ({"worse_count": "x"}, "at least 50"),
    ],
)
def test_all_examples_that_got_worse_are_counted(sign_in: Any, run: TrainingRun, found: Any, told: str) -> None:
    named = [{"key": f"e{number}", "before": 1.0, "after": 0.0} for number in range(50)]
    run.metrics, run.status = CONFIRMED | {"worse_examples": named} | found, RunStatus.COMPLETED
    run.save()
    other = training.start_training_run(agent=run.agent)
    client = sign_in("member")
    assert f">{told} test examples" in text(client.get(f"{LIST}{run.pk}/"))
    assert f"<td>{told} examples</td>" in text(client.get(f"{LIST}compare/", {"run": [run.pk, other.pk]}))


def test_runs_that_cannot_be_compared_say_why(sign_in: Any, run: TrainingRun) -> None:
    other = training.start_training_run(agent=run.agent, config={"metric": "chrf"})
    again = training.start_training_run(agent=run.agent, config={"max_calls": 200})
    client = sign_in("member")
    page = text(client.get(f"{LIST}compare/", {"run": [run.pk, other.pk]}))
    assert 'data-testid="not-comparable"' in page and "scored in different ways" in page
    page = text(client.get(f"{LIST}compare/", {"run": [run.pk, again.pk]}))
    assert "not-comparable" not in page and "different examples of the test split" in page


def test_the_estimate_names_the_model_without_a_price(sign_in: Any, version: DatasetVersion, settings: Any) -> None:
    settings.LLM_PRICES = {}
    page = text(sign_in("admin").post(ESTIMATE, FORM | {"version": str(version.pk)}))
    assert "the table has no price for smollm2-135m-instruct" in page
    assert "of them to confirm" in page
