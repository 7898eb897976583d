"""Exports: every format can be read by its readers and comes back as it went out."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning.formats.schemas import SCHEMAS
from learning.formats.writing import TARGETS
from learning.models import Agent, DatasetVersion, LearningExample, Split, TrainingDataset
from learning.services import dataset_exports, example_imports
from learning.services.dataset_exports import find_version, open_export, stream_export
from learning.services.dataset_versions import count_readings, list_readings
from learning.services.datasets import create_dataset
from learning.services.example_imports import Wishes, start_import
from learning.services.jobs import claim_job
from learning.services.publication import publish_version
from organizations.errors import Conflict, Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import outside_scope

HOSTILE = ["=1+1", "+49", "-x", "@a", "\tb", "'=1", "''+", "a\r\nb", 'say "x", y', "über 💡 \u2028", "a\rb", "'quoted'"]
ALL_TYPES = ["positive", "negative", "correction", "demonstration", "edge_case", "failure", "preference"]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_exports, "BATCH", 7)


def make_version(agent: Agent, **recipe: Any) -> DatasetVersion:
    """Approved examples of every type with texts that files find hard to hold."""
    for number in range(60):
        kind = ALL_TYPES[number % 7]
        text = HOSTILE[number % len(HOSTILE)]
        factories.make_example(
            agent,
            example_type=kind,
            input_text=f"{text} question {hashlib.md5(str(number).encode()).hexdigest()}",
            input_context={"messages": [{"role": "system", "content": "Be brief."}]} if number % 3 else {"k": [1, 1.5]},
            original_output=f"{text} said",
            expected_output="" if kind in ("negative", "failure") else f"{text} right {number}",
            rejected_output=f"{text} worse" if kind == "preference" else "",
            consensus_weight=0.9 if number % 2 else None,
            domain="sums" if number % 4 else "",
            tags=["a", "b,c"] if number % 5 == 0 else [],
            quality_score=0.75,
            review_status="approved",
        )
    dataset = create_dataset(name="All types", agent=agent, example_types=ALL_TYPES, balance_by="domain", **recipe)
    return publish_version(dataset=dataset)


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="critic")


@pytest.fixture
def version(agent: Agent) -> DatasetVersion:
    return make_version(agent)


def exported(version: DatasetVersion, format: str, split: str = "all", **where: Any) -> bytes:
    return b"".join(stream_export(open_export(version=version, format=format, split=split, **where)))


def bring(path: Path, agent: Agent, **wishes: Any) -> dict[str, Any]:
    asked = Wishes(agent_id=str(agent.pk), approve=True, **wishes)
    work = claim_job(job_id=start_import(name=path.name, path=path, wishes=asked).pk)
    assert work is not None
    return [step.result for step in example_imports.work(work) if step.result][-1]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_everything_imported_elsewhere_and_published_alike_has_the_same_fingerprint(
    version: DatasetVersion, other_organization: Organization, tmp_path: Path, format: str
) -> None:
    path = tmp_path / f"file.{format}"
    path.write_bytes(exported(version, format))
    with outside_scope(), organization_scope(other_organization.pk):
        agent = factories.make_agent(external_id="another")
        result = bring(path, agent)
        assert (result["new"], result["refused"], result["format"]) == (version.total, 0, format), result["problems"]
        dataset = create_dataset(name="Again", agent=agent, example_types=ALL_TYPES, balance_by="domain")
        assert publish_version(dataset=dataset).manifest_hash == version.manifest_hash


LOSSY = [name for name in TARGETS if name not in ("jsonl", "csv", "parquet")]


@pytest.mark.parametrize("format", LOSSY)
def test_what_a_format_says_comes_back_with_the_same_texts(
    version: DatasetVersion, other_organization: Organization, tmp_path: Path, format: str
) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(exported(version, format))
    with outside_scope(), organization_scope(other_organization.pk):
        agent = factories.make_agent(external_id="another")
        result = bring(path, agent)
        lines = set(path.read_bytes().splitlines())
        assert (result["new"], result["refused"], result["format"]) == (len(lines), 0, format), result["problems"]
        again = {line for example in LearningExample.objects.all() for line in as_lines(example, format)}
    assert fingerprint(again) == fingerprint({line.decode() for line in lines})


def as_lines(example: LearningExample, format: str) -> list[str]:
    """What the writer makes of an example that was imported; before anything redacts it."""
    records = TARGETS[format].records
    names = ("example_type", "input_text", "input_context", "original_output", "expected_output", "rejected_output")
    item = {name: getattr(example, name) for name in names}
    return [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in records(item)]


def fingerprint(lines: set[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


@pytest.mark.parametrize("format", SCHEMAS)
def test_every_line_is_as_the_published_schema_says(version: DatasetVersion, format: str) -> None:
    lines = exported(version, format).splitlines()
    assert lines
    reader = jsonschema.validators.validator_for(SCHEMAS[format])
    reader.check_schema(SCHEMAS[format])  # once: it takes longer than all lines
    for line in lines:
        reader(SCHEMAS[format]).validate(json.loads(line))


def test_parquet_is_read_by_pyarrow(version: DatasetVersion) -> None:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(exported(version, "parquet")))
    assert table.num_rows == version.total
    texts = set(version.items.values_list("input_text", flat=True))
    assert set(table.column("input_text").to_pylist()) == texts


def test_no_cell_is_a_formula(version: DatasetVersion) -> None:
    import csv

    for row in csv.reader(io.StringIO(exported(version, "csv").decode(), newline="")):
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_an_export_goes_on_after_an_example_or_a_line(version: DatasetVersion) -> None:
    whole = exported(version, "jsonl").splitlines(keepends=True)
    last = json.loads(whole[19])["example_id"]
    assert exported(version, "jsonl", after=last).splitlines(keepends=True) == whole[20:]
    for format in ("trl-kto", "csv"):
        lines = exported(version, format)
        for skip in (1, 8, 30):
            rest = exported(version, format, skip=skip)
            assert lines.endswith(rest) and len(rest) < len(lines)
    kto = exported(version, "trl-kto").splitlines()
    assert exported(version, "trl-kto", skip=30).splitlines() == kto[30:]


def test_the_sealed_split_is_only_read_when_it_is_named_and_each_reading_is_counted(version: DatasetVersion) -> None:
    open_lines = [json.loads(line) for line in exported(version, "jsonl", split="").splitlines()]
    assert {line["split"] for line in open_lines} == {"train", "validation"}
    assert count_readings([version]) == {}
    sealed = [json.loads(line) for line in exported(version, "jsonl", split=Split.TEST).splitlines()]
    assert len(sealed) == version.test_count and {line["split"] for line in sealed} == {"test"}
    assert count_readings([version]) == {version.pk: 1}
    [reading] = list_readings(version)
    assert (reading.export, reading.run) == ("jsonl", None)


def test_an_export_refuses_what_it_does_not_know(version: DatasetVersion) -> None:
    with pytest.raises(Refused, match="formats are"):
        open_export(version=version, format="xlsx")
    with pytest.raises(Refused, match="splits are"):
        open_export(version=version, split="half")


def test_a_version_with_somebody_forgotten_is_not_exported(version: DatasetVersion) -> None:
    version.erased_at = timezone.now()
    with pytest.raises(Conflict, match="forgotten"):
        open_export(version=version)


def test_the_newest_version_is_one_that_nobody_was_erased_from(version: DatasetVersion, agent: Agent) -> None:
    dataset = version.dataset
    factories.make_example(agent, input_text="Something else entirely", review_status="approved")
    newer = publish_version(dataset=dataset)
    assert find_version(dataset=dataset) == newer
    DatasetVersion.objects.filter(pk=newer.pk).update(erased_at=timezone.now())
    assert find_version(dataset=dataset) == version
    assert find_version(dataset=dataset, number=newer.number) == newer, "who names it is told what happened"
    DatasetVersion.objects.filter(pk=version.pk).update(erased_at=timezone.now())
    assert find_version(dataset=dataset) == newer


def test_another_organization_reads_nothing(version: DatasetVersion, other_organization: Organization) -> None:
    export = open_export(version=version)
    with outside_scope(), organization_scope(other_organization.pk):
        assert TrainingDataset.objects.count() == 0
        foreign = dataset_exports.Export(**export.__dict__ | {"organization_id": other_organization.pk})
        with pytest.raises(Conflict):
            b"".join(stream_export(foreign))


def test_the_last_batch_reads_no_more_of_the_examples_than_the_first(version: DatasetVersion) -> None:
    with CaptureQueriesContext(connection) as asked:
        exported(version, "jsonl")
    describing = [query["sql"] for query in asked if "learning_learningexample e" in query["sql"]]
    assert len(describing) > 5
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_indexscan")
        assert cursor.fetchone() == ("on",), "the caller's transaction goes on as before"
        cursor.execute("SET LOCAL enable_seqscan TO off")
        for together in (True, False):
            cursor.execute(dataset_exports.TOGETHER if together else dataset_exports.AS_BEFORE)
            for sql in (describing[0], describing[-2]):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
                (scan,) = [node for node in nodes(cursor.fetchone()[0][0]["Plan"]) if node.get("Alias") == "e"]
                assert scan["Actual Rows"] * scan["Actual Loops"] == 7
                assert scan["Node Type"] == "Bitmap Heap Scan" or not together


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for inner in plan.get("Plans", []) for node in nodes(inner))]
