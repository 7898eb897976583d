"""The commands and requests on the page about datasets do what it says."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from learning.models import AgentFeedback, LearningExample, TrainingDataset
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.models import Organization
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.demo.sign_ins import NAME, SLUG
from tests import factories
from tests.clients_in_process import outside_scope
from tests.docs.test_integrator import ask

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "datasets.md").read_text()
COMMANDS = re.findall(r"^\.venv/bin/python manage\.py (.+)$", PAGE, re.M)
REQUESTS = re.findall(r"^curl .+$", PAGE, re.M)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization() -> Organization:
    with outside_scope():
        return create_organization(name=NAME, slug=SLUG)  # those of a first start


@pytest.fixture
def dataset(organization: Organization) -> TrainingDataset:
    """Published: ten examples of the agent on the page, one of them by "ada"."""
    with organization_scope(organization.pk):
        agent = factories.make_agent(external_id="support-bot")
        for number in range(10):
            factories.make_example(agent, input_text=f"What about parcel {number}?", review_status="approved")
        AgentFeedback.objects.create(agent=agent, feedback_type="thumbs_up", user="ada", digest="d")
        made = create_dataset(name="Support answers", agent=agent)
        publish_version(dataset=made)
        return made


def run(line: str) -> str:
    """What a command of the page prints."""
    words, told = shlex.split(line.partition(" > ")[0]), io.StringIO()
    call_command(*words, stdout=told)
    return told.getvalue()


def command(name: str) -> str:
    (found,) = [line for line in COMMANDS if line.startswith(name)]
    return found


def test_the_dry_run_reports_as_the_page_shows(
    dataset: TrainingDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"input_text": text, "expected_output": "Soon."} for text in ("Where is it?", "", "When does it come?")]
    Path("examples.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run(command("import_examples")).strip() in PAGE
    with organization_scope(dataset.organization_id):
        assert LearningExample.objects.count() == 10


def test_the_export_is_chats_of_the_train_split(dataset: TrainingDataset, capfd: pytest.CaptureFixture[str]) -> None:
    run(command("export_dataset"))
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    with organization_scope(dataset.organization_id):
        version = dataset.versions.get()
    assert len(lines) == version.train_count
    assert {message["role"] for line in lines for message in line["messages"]} == {"user", "assistant"}


def test_the_dry_run_of_an_erasure_counts_and_changes_nothing(dataset: TrainingDataset) -> None:
    assert "1" in run(command("erase_subject"))
    with organization_scope(dataset.organization_id):
        assert AgentFeedback.objects.filter(user="ada").exists()


def test_the_requests_are_answered(organization: Organization, dataset: TrainingDataset, live_server: Any) -> None:
    key = factories.make_key(organization)
    assert len(REQUESTS) == 2
    for request in REQUESTS:
        asked = request.replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", key)
        answer = ask(asked.replace("/DATASET/", f"/{dataset.pk}/"))
        assert answer.status_code == 200, answer.text
        assert answer.content
