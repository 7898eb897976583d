"""Importing on the page: looked through first, then brought in as it was looked through."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string

from learning import job_tasks
from learning.formats.writing import TARGETS
from learning.models import Agent, Job, LearningExample, ReviewStatus, TrainingDataset
from learning.services.datasets import create_dataset
from organizations.models import Organization
from tests.clients_in_process import outside_scope

LINES = b'{"external_id": "r", "input_text": "<b>Q</b>", "expected_output": "A", "note": 1}\n{"input_text": ""}\n'


@pytest.fixture(autouse=True)
def artifacts(settings: Any, tmp_path: Path) -> None:
    settings.ARTIFACT_DIR = str(tmp_path / "artifacts")


@pytest.fixture
def dataset(agent: Agent) -> TrainingDataset:
    return create_dataset(name="Reviews", agent=agent)


def work_off(organization: Organization) -> None:
    with outside_scope():
        for job in list_waiting(organization):
            job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job))


def list_waiting(organization: Organization) -> list[Any]:
    from organizations.scope import organization_scope

    with organization_scope(organization.pk):
        return list(Job.objects.filter(status="pending").values_list("pk", flat=True))


def test_a_manager_sees_what_a_file_would_bring_and_then_brings_it(
    sign_in: Any, organization: Organization, dataset: TrainingDataset
) -> None:
    client, address = sign_in("manager"), f"/admin/learning/datasets/{dataset.pk}/import/"
    assert "Look through the file" in client.get(address).content.decode()
    asked = {"file": SimpleUploadedFile("rows.jsonl", LINES), "format": "auto", "approve": "on"}
    response = client.post(address, asked)
    checked = response["Location"]
    assert "Looking through the file" in client.get(checked).content.decode()
    work_off(organization)
    page = client.get(checked).content.decode()
    assert "Import 1 example<" in page and "input_text is empty" in page and "note" in page
    assert LearningExample.objects.count() == 0
    assert client.post(checked).status_code == 302
    work_off(organization)
    row = LearningExample.objects.get()
    assert (row.external_id, row.review_status, row.agent) == ("r", ReviewStatus.APPROVED, dataset.agent)
    page = client.post(checked, follow=True).content.decode()
    assert "Upload it again" in page, "the file is deleted after its import"


def test_a_form_without_a_file_says_so(sign_in: Any, dataset: TrainingDataset) -> None:
    page = sign_in("manager").post(f"/admin/learning/datasets/{dataset.pk}/import/", {"format": "auto"})
    assert "This field is required" in page.content.decode()
    assert Job.objects.count() == 0


def test_an_expert_may_not_import_and_a_stranger_finds_nothing(
    sign_in: Any, dataset: TrainingDataset, other_organization: Organization
) -> None:
    address = f"/admin/learning/datasets/{dataset.pk}/import/"
    assert sign_in("expert").get(address).status_code == 403
    assert sign_in("manager", other_organization).get(address).status_code == 404


def test_the_download_form_offers_every_format(dataset: TrainingDataset) -> None:
    html = render_to_string("learning/dataset_files.html", {"dataset": dataset, "newest": {"number": 1}})
    options = dict(re.findall(r'<option value="([^"]+)">([^<]+)</option>', html))
    assert options == {name: target.label for name, target in TARGETS.items()}, json.dumps(options)
