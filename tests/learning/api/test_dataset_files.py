"""Files of examples over HTTP: taken in as jobs, sent out as streams."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from learning import job_tasks
from learning.models import Agent, DatasetVersion, Job, JobStatus, LearningExample, ReviewStatus
from learning.services.dataset_versions import count_readings
from organizations.models import Organization
from tests import factories
from tests.clients_in_process import outside_scope
from tests.conftest import api_with

DATASETS = "/api/learning/datasets"
ROWS = [{"external_id": f"r-{number}", "input_text": f"Question {number}", "expected_output": "x"} for number in "123"]
CONTENT = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS) + b'{"input_text": 5}\n'


@pytest.fixture(autouse=True)
def artifacts(settings: Any, tmp_path: Path) -> Path:
    settings.ARTIFACT_DIR = str(tmp_path / "artifacts")
    return tmp_path / "artifacts"


def run(organization: Organization, response: Any) -> Job:
    assert response.status_code == 202, response.content
    with outside_scope():
        job_tasks.run_job(organization_id=str(organization.pk), job_id=response.json()["job_id"])
    return Job.objects.get(pk=response.json()["job_id"])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_becomes_examples_and_is_deleted_afterwards(
    api: Any, organization: Organization, version: DatasetVersion, artifacts: Path
) -> None:
    path = f"{DATASETS}/{version.dataset_id}/import?name=../../etc/rows.jsonl"
    response = api.post(path, CONTENT, content_type="application/octet-stream")
    assert len(files_in(artifacts)) == 1
    job = run(organization, response)
    assert (job.status, job.title) == (JobStatus.COMPLETED, "Import: rows.jsonl")
    assert (job.result["new"], job.result["refused"], job.done, job.total) == (3, 1, 4, 4)
    (problem,) = api.get(response.json()["url"]).json()["result"]["problems"]
    assert problem == {"file": "", "line": 4, "field": "input_text", "reason": "input_text is no text"}
    assert LearningExample.objects.filter(external_id__startswith="r-", review_status="pending").count() == 3
    assert files_in(artifacts) == []
    assert api.get(response.json()["url"]).json()["result"]["new"] == 3


def test_a_form_may_send_a_compressed_file_and_approve_it(
    api: Any, organization: Organization, version: DatasetVersion
) -> None:
    file = SimpleUploadedFile("rows.jsonl.gz", gzip.compress(CONTENT))
    path = f"{DATASETS}/{version.dataset_id}/import?approve=1&source_type=benchmark"
    job = run(organization, api.post(path, {"file": file}, format="multipart"))
    assert (job.result["new"], job.title) == (3, "Import: rows.jsonl.gz")
    row = LearningExample.objects.get(external_id="r-1")
    assert (row.review_status, row.source_type) == (ReviewStatus.APPROVED, "benchmark")


def test_a_dry_run_stores_nothing_and_keeps_the_file(
    api: Any, organization: Organization, version: DatasetVersion, artifacts: Path
) -> None:
    path = f"{DATASETS}/{version.dataset_id}/import?dry_run=1"
    job = run(organization, api.post(path, CONTENT, content_type="application/json"))
    assert (job.result["new"], job.result["refused"]) == (3, 1)
    assert not LearningExample.objects.filter(external_id__startswith="r-").exists()
    assert len(files_in(artifacts)) == 1


def test_columns_of_another_name_are_taken_when_they_are_named(
    api: Any, organization: Organization, version: DatasetVersion
) -> None:
    path = f"{DATASETS}/{version.dataset_id}/import?column=input_text=Frage&column=expected_output=Antwort"
    job = run(organization, api.post(path, b"Frage,Antwort\nWie?,So.\n", content_type="text/csv"))
    assert job.result["new"] == 1
    assert LearningExample.objects.get(input_text="Wie?").expected_output == "So."


@pytest.mark.parametrize(
    ("query", "field"),
    [("format=xlsx", "format"), ("column=nonsense=x", "columns"), ("source_type=synthetic", "source_type")],
)
def test_wishes_that_make_no_sense_are_refused(api: Any, version: DatasetVersion, query: str, field: str) -> None:
    response = api.post(f"{DATASETS}/{version.dataset_id}/import?{query}", CONTENT, content_type="text/plain")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)


def test_no_file_an_empty_one_and_one_beyond_the_quota_are_refused(
    api: Any, version: DatasetVersion, settings: Any, artifacts: Path
) -> None:
    path = f"{DATASETS}/{version.dataset_id}/import"
    assert api.post(path).status_code == 400
    assert api.post(path, b"", content_type="text/plain").json()["errors"][0]["field"] == "file"
    settings.ARTIFACT_QUOTA_MB = 0
    assert "room" in api.post(path, CONTENT, content_type="text/plain").json()["detail"]
    settings.ARTIFACT_QUOTA_MB, settings.IMPORT_MAX_MB = 1, 0
    assert "larger than" in api.post(path, CONTENT, content_type="text/plain").json()["detail"]
    assert files_in(artifacts) == []


def test_a_file_that_is_no_such_thing_fails_its_job_with_a_reason(
    api: Any, organization: Organization, version: DatasetVersion
) -> None:
    path = f"{DATASETS}/{version.dataset_id}/import?format=parquet"
    job = run(organization, api.post(path, b"PAR1 and nothing", content_type="application/octet-stream"))
    assert job.status == JobStatus.FAILED
    assert job.failure_reason == "The file cannot be read: it is damaged, or no Parquet file."


def body(response: Any) -> bytes:
    with outside_scope():
        return b"".join(response.streaming_content)


def test_a_version_goes_out_as_a_stream_with_its_fingerprint(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}/export"
    response = api.get(path, {"format": "jsonl"})
    assert response.streaming and response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].startswith('attachment; filename="Dataset-')
    lines = [json.loads(line) for line in body(response).splitlines()]
    assert len(lines) == version.train_count + version.validation_count
    assert version.manifest_hash[:40] in response["ETag"]
    again = api.get(path, {"format": "jsonl"}, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.get(path, {"format": "csv"}, headers={"If-None-Match": response["ETag"]}).status_code == 200
    rest = api.get(path, {"format": "jsonl", "after": lines[9]["example_id"]})
    assert len(body(rest).splitlines()) == len(lines) - 10


def test_the_seal_opens_for_a_managing_key_alone(api: Any, organization: Organization, version: DatasetVersion) -> None:
    path, sealed = f"{DATASETS}/{version.dataset_id}/export", {"format": "jsonl", "split": "test"}
    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.get(path, {"format": "jsonl"}).status_code == 200
    for split in ("test", "all"):
        assert reader.get(path, sealed | {"split": split}).status_code == 403
    assert count_readings([version]) == {}
    assert len(body(api.get(path, sealed)).splitlines()) == version.test_count
    assert count_readings([version]) == {version.pk: 1}


def test_a_stranger_and_a_reader_bring_nothing(
    api: Any, other_api: Any, organization: Organization, version: DatasetVersion, agent: Agent
) -> None:
    path = f"{DATASETS}/{version.dataset_id}"
    assert other_api.post(f"{path}/import", CONTENT, content_type="text/plain").status_code == 404
    assert other_api.get(f"{path}/export", {"format": "csv"}).status_code == 404
    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.post(f"{path}/import", CONTENT, content_type="text/plain").status_code == 403
