"""The command and the requests on the page about training runs do what it says."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from learning.engines.agreement import FEWEST_ITEMS
from learning.engines.metrics import METRIC_KINDS
from learning.engines.prompt.optimizer import DEFAULT_REWRITES
from learning.engines.prompt.planning import FEWEST_CALLS
from learning.models import Agent, ReviewStatus, TrainingRun
from learning.services import training
from learning.services.datasets import create_dataset
from learning.services.publication import publish_version
from learning.services.run_budget import longest_seconds
from learning.services.run_comparison import FEWEST, MOST
from learning.services.run_config import RunConfig
from organizations.models import Organization
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.demo.sign_ins import NAME, SLUG
from tests import factories
from tests.clients_in_process import outside_scope
from tests.docs.test_integrator import ask

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "training.md").read_text()
COMMANDS = re.findall(r"^\.venv/bin/python manage\.py (.+)$", PAGE, re.M)
REQUESTS = re.findall(r"```sh\n(curl .*?)```", PAGE, re.S)
SHOWN = re.findall(r"```text\n(.*?)```", PAGE, re.S)


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    from learning.training_tasks import run_training

    monkeypatch.setattr(run_training, "delay", lambda **_: None)
    with outside_scope():
        organization = create_organization(name=NAME, slug=SLUG)  # those of a first start
    with organization_scope(organization.pk):
        agent = factories.make_agent(external_id="support-bot")
        factories.make_config(agent)
        publish_texts_of_one_length(agent)
    return organization


def publish_texts_of_one_length(agent: Agent) -> None:
    """And so many that every split is large enough: then the figures do not depend on which example is in which."""
    for number in range(300):
        word, label = (("good", "positive"), ("poor", "negative"))[number % 2]
        text = f"Film number {number:04} was {word}"
        status = ReviewStatus.APPROVED
        factories.make_example(agent, input_text=text, expected_output=label, review_status=status, prepared_version=0)
    publish_version(dataset=create_dataset(name="Films", agent=agent))


@pytest.mark.django_db(transaction=True)
def test_the_command_prints_what_the_page_shows(organization: Organization) -> None:
    ((command,), (shown,)), told = (COMMANDS, SHOWN), io.StringIO()
    call_command(*shlex.split(command), stdout=told)
    assert told.getvalue().splitlines() == shown.splitlines()
    with organization_scope(organization.pk):
        assert not TrainingRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_requests_are_answered(organization: Organization, live_server: Any) -> None:
    key = factories.make_key(organization)
    with organization_scope(organization.pk):
        from learning.models import Agent

        run, other = (training.start_training_run(agent=Agent.objects.get()) for _ in range(2))
    statuses = []
    for request in REQUESTS:
        asked = request.replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", key)
        answer = ask(asked.replace("RUN", str(run.pk)).replace("OTHER", str(other.pk)))
        statuses.append(answer.status_code)
    assert statuses == [200, 202, 200, 200]
    again = APIClient().post(
        f"/api/learning/training-runs/{run.pk}/rerun", HTTP_AUTHORIZATION=f"Bearer {key}", format="json"
    )
    assert again.status_code == 409, "it is not over yet"


def test_the_figures_and_names_of_the_page_are_those_of_the_code(settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT, settings.LLM_TIMEOUT_SECONDS = 3600, 60  # as they are by default
    assert f"| `max_seconds` | {longest_seconds():,} |" in PAGE
    assert f"| `rewrites` | 0; {DEFAULT_REWRITES} with the strategy `rewritten` |" in PAGE
    assert f"| `max_calls` | {RunConfig.max_calls} | at least {FEWEST_CALLS}," in PAGE
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(METRIC_KINDS) <= named, "every metric is explained"
    assert {option for kind in METRIC_KINDS.values() for option in kind.options} <= named
    assert set(RunConfig().as_json()) | {"max_tokens", "max_money", "max_seconds", "concurrency", "strategies"} <= named
    assert f"at least {FEWEST_ITEMS} answers that experts have scored" in PAGE
    assert (FEWEST, MOST) == (2, 6) and "Tick two to six runs" in PAGE


def test_the_operators_page_names_the_settings_with_their_defaults(settings: Any) -> None:
    page = (ROOT / "docs" / "operator.md").read_text()
    code = (ROOT / "project" / "settings.py").read_text()
    for name, default in {
        "LLM_WORKER_CONCURRENCY": "8", "LLM_TIMEOUT_SECONDS": "60", "LLM_REQUESTS_PER_MINUTE": "0",
        "MIN_EXAMPLES_FOR_TRAINING": "50", "TRAINING_JOB_TIMEOUT": "3600", "LEARNING_ENABLED": "True",
        "LLM_CONCURRENCY": "2 if _local_model else 16",
    }.items():  # fmt: skip
        assert f'("{name}", default={default})' in code, name
        (row,) = [line for line in page.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
        assert default.split()[-1].lower() in row, name
    assert 'LLM_PRICES = read_prices(env.str("LLM_PRICES"' in code and "`LLM_PRICES`" in page
