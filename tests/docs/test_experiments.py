"""What the page about experiments says is so: its requests are answered, its buttons and verdicts exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from experiments.models import Experiment, Exposure
from experiments.models.analyses import VerdictChoice
from experiments.pages.experiment_form import CANDIDATES
from experiments.pages.planner import FEWEST
from experiments.services.deployments import deploy_config
from organizations.scope import organization_scope
from tests import factories
from tests.docs.test_integrator import ask

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "experiments.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
REQUESTS = [request for block in BLOCKS for request in re.split(r"\n(?=curl )", block.strip())]
WORDS = {1: "one", 2: "two", 3: "three"}


@pytest.mark.django_db(transaction=True)
def test_the_requests_of_the_page_are_answered(live_server: Any) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support-bot")
        deploy_config(agent=agent, config=factories.make_config(agent))
        candidate = factories.make_config(agent)
    filled = {"http://127.0.0.1:8000": live_server.url, "sk_...": factories.make_key(organization)}
    filled["CANDIDATE"] = str(candidate.pk)
    assert len(REQUESTS) == 7
    for request in REQUESTS:
        for word, value in filled.items():
            request = request.replace(word, value)
        answer = ask(request)
        assert answer.status_code in (200, 201), answer.text
        filled.setdefault("/ID/", f"/{answer.json().get('id')}/")
    with organization_scope(organization.id):
        experiment = Experiment.objects.get()
        assert (experiment.status, experiment.minimum_units) == ("running", 1000)
        assert experiment.metrics[1] == {"name": "latency", "role": "guardrail", "margin": 200}
        assert not Exposure.objects.exists()


def test_every_verdict_and_the_limits_are_told() -> None:
    told = re.findall(r"^   \| ([a-z ]+) \| ", PAGE, re.M)
    assert set(told) - {"verdict"} == {label.lower() for label in VerdictChoice.labels}
    assert f"up to {WORDS[len(CANDIDATES)]} here" in PAGE
    assert f"fewer than {FEWEST} had an outcome" in PAGE


def test_every_button_that_the_page_names_is_there() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = {"Try it in an experiment", "New experiment", "Change the plan", "Start", "Pause", "Resume", "Complete",
             "Stop", "Deploy the winner", "Layers", "Metrics", "Roll back"}  # fmt: skip
    for button in named:
        assert f"*{button}*" in PAGE, button
        assert re.search(rf'(>|label="){button}(<|")', pages), button
