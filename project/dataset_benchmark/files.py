"""How fast examples come in from a file and go out again, how fast they are clustered and published, in what memory."""

from __future__ import annotations

import json
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import get_native_id
from typing import Any
from uuid import UUID

from learning.formats.reader import Order
from learning.job_tasks import work_through
from learning.models import Agent, Job, LearningExample
from learning.services.example_imports import Wishes, start_import
from learning.services.import_reading import read_beside
from learning.services.jobs import claim_job
from learning.services.preparation import prepare_waiting_of
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.scope import organization_scope
from project.dataset_benchmark import real_texts
from project.dataset_benchmark.copying import copy_rate
from project.dataset_benchmark.sending import peak_mb, send

FORMATS = ("jsonl", "csv", "parquet", "openai-chat", "trl-kto")
REPEATED = 20  # one row in so many asks almost what an earlier one asked


@dataclass(frozen=True)
class Imported:
    """Seconds that each step took, the size of the file in MB, and the most memory in MB before and with it.

    Who reads the file has a process of its own, which is added. copied: rows a second by COPY.
    """

    agent: Agent
    seconds: dict[str, float]
    size_mb: float
    before_mb: float
    peak_mb: float
    copied: float


@dataclass(frozen=True)
class Files:
    """The way of the rows from the import to the exports; `seconds` of all steps. The exports have a process each."""

    imported: Imported
    seconds: dict[str, float]
    publish_peak_mb: float
    export_peak_mb: float
    total: int


def measure_import(organization_id: UUID, rows: int) -> Imported:
    with organization_scope(organization_id):
        agent = Agent.objects.create(external_id="files", name="Files")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_rows(path, rows)
        size, before = path.stat().st_size / 1e6, peak_mb()
        seconds, reader_mb = only_read(path)
        taken = {"read and check alone": seconds}
        taken["dry run"] = bring(organization_id, agent, path, dry_run=True)
        taken["import"] = bring(organization_id, agent, path, approve=True)
        taken["the same again"] = bring(organization_id, agent, path, approve=True)
    peak = peak_mb() + reader_mb
    return Imported(agent, taken, size, before, peak, copy_rate(organization_id, rows))


def measure(organization_id: UUID, rows: int) -> Files:
    imported = measure_import(organization_id, rows)
    agent, taken = imported.agent, dict(imported.seconds)
    taken["redact and cluster"] = prepare(organization_id, agent)
    started = time.perf_counter()
    with organization_scope(organization_id):
        version = publish_version(dataset=create_dataset(name="Files", agent=agent))
    taken["publish"] = time.perf_counter() - started
    publish_peak = peak_mb()
    # Whoever reads rows first marks their pages as committed: once more tells that apart from the format.
    sent = {name: send(organization_id, version.pk, name.split()[0]) for name in (*FORMATS, f"{FORMATS[0]} again")}
    taken |= {f"export {name}": one.seconds for name, one in sent.items()}
    export_peak = max(one.peak_mb for one in sent.values())
    return Files(imported, taken, publish_peak, export_peak, version.total)


def prepare(organization_id: UUID, agent: Agent) -> float:
    """Seconds in which the examples are redacted, compared and put into clusters, a transaction for each batch."""
    started = time.perf_counter()
    while True:
        with organization_scope(organization_id):
            if not prepare_waiting_of(LearningExample.objects.filter(agent=agent)):
                return time.perf_counter() - started


def write_rows(path: Path, rows: int) -> None:
    """Corrections of some 350 characters each, of words as frequent as in real sentences."""
    draw, words = random.Random(7), real_texts.words()
    with path.open("w", encoding="utf-8") as file:
        asked = ""
        for number in range(rows):
            said = [" ".join(draw.choices(words, k=20)) for _ in range(3)]
            asked = f"{asked} please" if number % REPEATED == 1 else said[0]
            record = {
                "external_id": f"row-{number}", "input_text": asked, "original_output": said[1],
                "expected_output": said[2], "domain": "support", "tags": ["bench"], "input_context": {"turn": number},
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")


def only_read(path: Path) -> tuple[float, float]:
    """Seconds to read and check every row in the process that an import has for it, and the MB that it takes."""
    started, most = time.perf_counter(), 0.0
    for _ in read_beside(Order(str(path), "auto", {}, {})):
        most = max([most, *map(peak_mb, children())])
    return time.perf_counter() - started, most


def children() -> list[int]:
    """The processes that this thread has started, where the system tells of them."""
    told = Path(f"/proc/self/task/{get_native_id()}/children")
    return [int(pid) for pid in told.read_text().split()] if told.exists() else []


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
