"""`manage.py bench_files`: how fast examples come in from a file and go out again, and what memory that takes."""

from __future__ import annotations

import json
import random
import resource
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from learning.formats.rows import check_row
from learning.job_tasks import work_through
from learning.models import Agent, DatasetVersion, Job, Split, SplitAssignment, TrainingDataset
from learning.services.dataset_exports import ALL, open_export, stream_export
from learning.services.example_imports import Wishes, start_import
from learning.services.jobs import claim_job
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report

ROWS, QUICK_ROWS = 1_000_000, 40_000
FORMATS = ("jsonl", "csv", "parquet", "openai-chat", "trl-kto")
WORDS = (
    "the", "a", "order", "refund", "arrived", "late", "parcel", "please", "could", "you", "where", "is", "my",
    "invoice", "address", "change", "not", "yet", "thank",
)  # fmt: skip
# What publishing writes, without preparing a million texts: reading them out is measured here, not clustering.
FILL = """
INSERT INTO learning_datasetexample (id, organization_id, created_at, updated_at, version_id, example_id, split,
  cluster_key, group_key, example_type, input_text, input_context, original_output, expected_output, rejected_output,
  content_hash, weight)
SELECT gen_random_uuid(), organization_id, now(), now(), %(version)s, id, 'train', 'bench', 'bench', example_type,
  input_text, input_context, original_output, expected_output, rejected_output, source_hash, 1
FROM learning_learningexample WHERE organization_id = %(organization)s
"""


class Command(BenchCommand):
    help = "Import and export of examples: rows a second and the peak of memory."
    durable = True

    def measure(self, quick: bool) -> Report:
        rows = QUICK_ROWS if quick else ROWS
        organization_id = create_organization(name="Bench", slug="bench").id
        with organization_scope(organization_id):
            agent = Agent.objects.create(external_id="bench", name="Bench")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.jsonl"
            write_rows(path, rows)
            size = path.stat().st_size / 1e6
            before = peak_mb()
            taken = {"check only": only_check(path)}
            taken["dry run"] = bring(organization_id, agent, path, dry_run=True)
            taken["import"] = bring(organization_id, agent, path)
            taken["the same again"] = bring(organization_id, agent, path)
        version = publish(organization_id)
        import_peak = peak_mb()
        taken |= {f"export {name}": send(organization_id, version, name) for name in FORMATS}
        table = [["what", "seconds", "rows/s"]]
        table += [[name, f"{seconds:.1f}", f"{rows / seconds:,.0f}"] for name, seconds in taken.items()]
        figures = {
            "rows": rows,
            "import_rows_per_s": round(rows / taken["import"]),
            "dry_run_rows_per_s": round(rows / taken["dry run"]),
            "export_rows_per_s": round(rows / taken["export jsonl"]),
            "import_peak_mb": round(import_peak),
            "export_peak_mb": round(peak_mb()),
            "before_mb": round(before),
        }
        return Report(f"{rows:,} examples in a file of {size:,.0f} MB", table, figures)


def write_rows(path: Path, rows: int) -> None:
    """Examples of some 300 characters each, all different."""
    draw = random.Random(7)
    with path.open("w") as file:
        for number in range(rows):
            said = [" ".join(draw.choices(WORDS, k=20)) for _ in range(3)]
            record = {
                "external_id": f"row-{number}", "input_text": f"{number}: {said[0]}", "original_output": said[1],
                "expected_output": said[2], "domain": "support", "tags": ["bench"], "input_context": {"turn": number},
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")


def only_check(path: Path) -> float:
    """Seconds to read and check every row."""
    started = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            check_row(json.loads(line))
    return time.perf_counter() - started


def bring(organization_id: UUID, agent: Agent, path: Path, **wishes: Any) -> float:
    """Seconds that an import takes."""
    started = time.perf_counter()
    with organization_scope(organization_id):
        job = start_import(name=path.name, path=path, wishes=Wishes(agent_id=str(agent.pk), **wishes))
        work = claim_job(job_id=job.pk)
    if work is None:
        raise RuntimeError("somebody else works on the job of the benchmark")
    work_through(organization_id, work)
    seconds = time.perf_counter() - started
    with organization_scope(organization_id):
        done = Job.objects.get(pk=job.pk)
        if done.failure_reason or done.result["refused"]:
            raise RuntimeError(f"{done.failure_reason} {done.result}")
    return seconds


def publish(organization_id: UUID) -> DatasetVersion:
    """A version of all examples."""
    with organization_scope(organization_id):
        dataset = TrainingDataset.objects.create(name="Bench")
        SplitAssignment.objects.create(key="bench", split=Split.TRAIN)
        counts = dict.fromkeys(("total", "train_count", "validation_count", "test_count"), 0)
        version = DatasetVersion.objects.create(dataset=dataset, number=1, manifest_hash=uuid4().hex, **counts)
        with connection.cursor() as cursor:
            cursor.execute(FILL, {"version": version.pk, "organization": organization_id})
    return version


def send(organization_id: UUID, version: DatasetVersion, name: str) -> float:
    """Seconds that an export takes."""
    started = time.perf_counter()
    with organization_scope(organization_id):
        export = open_export(version=version, format=name, split=ALL)
    size = sum(map(len, stream_export(export)))
    if not size:
        raise RuntimeError(f"the export {asdict(export)} is empty")
    return time.perf_counter() - started


def peak_mb() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
