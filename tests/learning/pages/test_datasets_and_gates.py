"""Pages of datasets and gates: made, published, decided by those who may."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, DatasetVersion, GateReport, LearningExample, TrainingDataset
from learning.services import datasets, gate, publication
from learning.services.preparation import prepare_all
from organizations.models import Organization
from tests import factories
from tests.learning.services.test_gate import PASSED, worked


def form(agent: Agent, **values: Any) -> dict[str, Any]:
    """What a browser sends."""
    shares = {"train_percent": "40", "validation_percent": "30"}
    return {"name": "Reviews", "agent": str(agent.pk), "group_by": "cluster", "duplicates": "keep"} | shares | values


def test_a_manager_makes_a_dataset_and_publishes_it(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    factories.make_example(agent, review_status="approved")
    client = sign_in("manager")
    response = client.post("/admin/learning/datasets/new/", form(agent), follow=True)
    assert b"Nothing is published yet" in response.content
    dataset = TrainingDataset.objects.get()
    page = client.post(f"/admin/learning/datasets/{dataset.pk}/publish", follow=True).content.decode()
    assert "Version 1 holds 1 example." in page
    page = client.post(f"/admin/learning/datasets/{dataset.pk}/publish", follow=True).content.decode()
    assert "Nothing changed since version 1" in page
    assert DatasetVersion.objects.count() == 1


def test_publishing_nothing_says_what_to_do(sign_in: Any, scope: Organization) -> None:
    dataset = datasets.create_dataset(name="empty")
    page = sign_in("manager").post(f"/admin/learning/datasets/{dataset.pk}/publish", follow=True).content.decode()
    assert "No approved example belongs to this dataset yet" in page


def test_a_name_that_is_taken_is_shown_at_its_field(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    datasets.create_dataset(name="Reviews")
    page = sign_in("manager").post("/admin/learning/datasets/new/", form(agent))
    assert b"There is a dataset called" in page.content


@pytest.mark.parametrize("role", ["member", "expert"])
def test_only_managers_publish_and_look(sign_in: Any, scope: Organization, role: str) -> None:
    dataset = datasets.create_dataset(name="all")
    client = sign_in(role)
    assert client.post(f"/admin/learning/datasets/{dataset.pk}/publish").status_code == 403
    assert client.get(f"/admin/learning/datasets/{dataset.pk}/").status_code == 403


def test_the_sealed_examples_are_not_on_the_page(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    for _ in range(30):
        factories.make_example(agent, review_status="approved")
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    address = f"/admin/learning/datasets/{version.dataset_id}/versions/1/items/"
    page = sign_in("admin").get(address).content.decode()
    assert [item for item in version.items.filter(split="train") if f">{item.input_text}<" in page]
    sealed = version.items.filter(split="test")
    assert sealed
    assert not [item for item in sealed if f">{item.input_text}<" in page]


@pytest.fixture
def report(scope: Organization) -> GateReport:
    return gate.start_gate(config=factories.make_config(factories.make_agent(), status="candidate"))


def test_an_administrator_approves_a_passed_gate(sign_in: Any, report: GateReport) -> None:
    worked(report, PASSED)
    page = sign_in("admin").post(f"/admin/learning/gates/{report.pk}/approve", {"note": "fine"}, follow=True)
    assert b"is approved" in page.content
    assert GateReport.objects.get().approved is True


def test_a_manager_cannot_approve(sign_in: Any, report: GateReport) -> None:
    worked(report, PASSED)
    assert sign_in("manager").post(f"/admin/learning/gates/{report.pk}/approve").status_code == 403


def test_an_open_gate_cannot_be_approved_and_says_so(sign_in: Any, report: GateReport) -> None:
    page = sign_in("admin").post(f"/admin/learning/gates/{report.pk}/approve", follow=True)
    assert b"has not passed" in page.content
    assert GateReport.objects.get().approved is None


def test_the_dataset_says_why_a_version_holds_fewer_than_are_approved(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    for text in ("one", "two", "Two "):
        factories.make_example(agent, review_status="approved", input_text=text)
    dataset = datasets.create_dataset(name="all", agent=agent)
    prepare_all(waiting=LearningExample.objects.all())
    page = sign_in("manager").get(f"/admin/learning/datasets/{dataset.pk}/preview/").content.decode()
    assert "3 approved examples" in page
    assert "would hold <strong>2</strong>" in page
    assert "1: another answer to the same input is newer" in page
    assert publication.publish_version(dataset=dataset).total == 2
