"""What was made of a person's examples goes with them: variants, exports that came back, and what was made of these."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from learning import job_tasks
from learning.models import (
    Agent,
    AgentFeedback,
    DatasetExample,
    ExampleBand,
    ExampleWords,
    LearningExample,
    SplitAssignment,
    TrainingDataset,
)
from learning.services.dataset_exports import open_export, stream_export
from learning.services.datasets import create_dataset
from learning.services.erased_people import with_copies
from learning.services.example_imports import Wishes, start_import
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from learning.services.synthesis import start_synthesis
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.erasure.dump import places_of
from tests.learning.erasure.test_forgetting import erase
from tests.scripted_llm import ScriptedLLM

MARK = "qzcanary77x"
USER = "ada"


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    return factories.make_organization()


def vary(messages: list[dict[str, str]]) -> str:
    asked = re.search(r"request: (.*)", messages[1]["content"])
    return f"```\nSay again {asked[1] if asked else ''} ({messages[0]['content'].rsplit('. ', 2)[-1]})\n```"


def run(organization: Organization, job: Any) -> None:
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert job.status == "completed", job.failure_reason


def correct_anonymously(organization: Organization) -> None:
    """An execution that names nobody, and a person who corrects it; it is trained on."""
    api = api_with(factories.make_key(organization))
    sent = api.post("/api/learning/executions", {
        "agent_id": "bot", "execution_id": "e1", "input": "Where does the parcel go?", "output": "I do not know."
    }, format="json")  # fmt: skip
    assert sent.status_code == 201, sent.content
    said = api.post("/api/learning/feedback", {
        "agent_id": "bot", "execution_id": "e1", "user_id": USER, "feedback_type": "correction",
        "correction_text": f"It goes to {MARK} street 5.",
    }, format="json")  # fmt: skip
    assert said.status_code == 201, said.content
    with organization_scope(organization.pk):
        agent = Agent.objects.get(external_id="bot")
        for number in range(12):
            factories.make_example(agent, input_text=f"Film number {number} was good", review_status="approved")
        approve_all()
        own = LearningExample.objects.get(expected_output__contains=MARK)
        SplitAssignment.objects.update_or_create(key=own.cluster_key, defaults={"split": "train"})
        publish_version(dataset=create_dataset(name="All answers", agent=agent))


def approve_all() -> None:
    while prepare_waiting():
        pass
    LearningExample.objects.update(review_status="approved")


def synthesise(organization: Organization, settings: Any, agent_id: str = "bot") -> None:
    with ScriptedLLM(vary) as server:
        settings.OPENAI_BASE_URL = server.base_url
        with organization_scope(organization.pk):
            job = start_synthesis(agent=Agent.objects.get(external_id=agent_id), variants=2, most_calls=100)
        run(organization, job)
    with organization_scope(organization.pk):
        approve_all()
        publish_version(dataset=TrainingDataset.objects.get())


def bring_back(organization: Organization, path: Path) -> None:
    """Export the newest version and import the file for another agent."""
    with organization_scope(organization.pk):
        version = TrainingDataset.objects.get().versions.order_by("-number").first()
        path.write_bytes(b"".join(stream_export(open_export(version=version, split="all"))))
        wishes = Wishes(agent_id=str(factories.make_agent(external_id="second").pk), approve=True)
        job = start_import(name="ours.jsonl", path=path, wishes=wishes)
    run(organization, job)


@pytest.mark.django_db(transaction=True)
def test_variants_and_exports_that_came_back_go_with_what_they_were_made_of(
    organization: Organization, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    correct_anonymously(organization)
    synthesise(organization, settings)
    bring_back(organization, tmp_path_factory.mktemp("files") / "ours.jsonl")
    with organization_scope(organization.pk):
        own = LearningExample.objects.filter(expected_output__contains=MARK)
        assert (own.count(), own.filter(agent__external_id="second").count()) == (6, 3)
        assert DatasetExample.objects.filter(expected_output__contains=MARK).count() >= 4
        others = LearningExample.objects.exclude(pk__in=own)
        before = sorted(others.values_list("pk", flat=True))
    erase(organization, USER)
    assert places_of(MARK) == []
    with organization_scope(organization.pk):
        assert not AgentFeedback.objects.exists()
        assert sorted(LearningExample.objects.values_list("pk", flat=True)) == before
        for kept in (ExampleBand, ExampleWords):  # they refer to their example by its number alone
            assert kept.objects.exists() and not kept.objects.exclude(example_id__in=before).exists()


def test_copies_are_followed_at_any_remove_and_come_before_what_they_were_made_of(scope: Organization) -> None:
    agent, other = factories.make_agent(), factories.make_agent()
    first = factories.make_example(agent, input_text="Mine", external_id="7")
    variant = factories.make_example(agent, input_context={"synthetic_of": str(first.pk)})
    back = factories.make_example(other, external_id=str(variant.pk))
    same_row = factories.make_example(other, input_text="Mine", external_id="7")
    factories.make_example(factories.make_agent(), input_text="Theirs", external_id="7")
    factories.make_example(agent, input_context={"synthetic_of": str(other.pk)})
    found = with_copies([first.pk])
    assert set(found) == {first.pk, variant.pk, back.pk, same_row.pk}
    assert found.index(back.pk) < found.index(variant.pk) < found.index(first.pk)
    assert with_copies([]) == ()
