"""Datasets: which approved examples belong in, and their immutable versions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from learning.engines import types as engine
from learning.models import (
    Agent,
    DatasetExample,
    DatasetVersion,
    ExampleType,
    LearningExample,
    ReviewStatus,
    Split,
    TrainingDataset,
    TrainingRun,
)
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent

# Of 10,000 parts. The split of a group follows from its hash alone, so it is the same in every version.
TRAIN_PARTS, VALIDATION_PARTS = 4000, 3000
PARTS = 10_000
# What states the right answer to an input.
TEACHING = (ExampleType.CORRECTION, ExampleType.DEMONSTRATION, ExampleType.POSITIVE, ExampleType.EDGE_CASE)


@dataclass(frozen=True)
class Item:
    """An example as it goes into a version."""

    example: LearningExample
    group_key: str
    split: Split

    def line(self) -> str:
        """The item in the manifest."""
        fields = [
            str(self.example.pk),
            self.split,
            self.group_key,
            self.example.input_text,
            self.example.expected_output,
        ]
        weight = self.example.consensus_weight
        return engine.canonical_json(fields if weight is None else [*fields, round(weight, 3)])


def create_dataset(*, name: str, agent: Agent | None = None, **values: Any) -> TrainingDataset:
    """A named selection: `agent`, `domains`, `task_types`, `description`. Raises Conflict when the name is taken."""
    if not name.strip():
        raise Refused("Give the dataset a name.", "name")
    try:
        with transaction.atomic():
            dataset = TrainingDataset.objects.create(name=name.strip(), agent=agent, **values)
            audit.record(action="trainingdataset.created", target=dataset, after={"name": dataset.name})
    except IntegrityError as error:
        raise Conflict(f"There is a dataset called {name!r} already.", "name") from error
    return dataset


def eligible_examples(dataset: TrainingDataset) -> QuerySet[LearningExample]:
    """The approved examples that the dataset's filters select, oldest first."""
    examples = LearningExample.objects.filter(
        review_status=ReviewStatus.APPROVED, example_type__in=TEACHING
    ).exclude(expected_output="").exclude(input_text="")  # fmt: skip
    if dataset.agent_id:
        examples = examples.filter(agent_id=dataset.agent_id)
    if dataset.domains:
        examples = examples.filter(domain__in=dataset.domains)
    if dataset.task_types:
        examples = examples.filter(task_type__in=dataset.task_types)
    return examples.order_by("id")


def count_distinct_inputs(dataset: TrainingDataset) -> int:
    """How many items a version made now would hold: of several right answers to one input, the newest counts."""
    rows = eligible_examples(dataset).values_list("agent_id", "input_text").iterator()
    return len({(agent_id, normal_text(text)) for agent_id, text in rows})


def publish_version(*, dataset: TrainingDataset) -> DatasetVersion:
    """An immutable version of what the dataset selects now.

    The same content again is the same version: the newest with that manifest is returned and nothing is written.
    Raises Refused when nothing is eligible.
    """
    with transaction.atomic():
        TrainingDataset.objects.select_for_update().get(pk=dataset.pk)
        items = choose_items(eligible_examples(dataset))
        if not items:
            raise Refused("No approved example belongs to this dataset yet. Review some first.", "dataset")
        manifest = manifest_hash(items)
        known = dataset.versions.filter(manifest_hash=manifest).first()
        return known or _write(dataset, items, manifest)


def choose_items(examples: Iterable[LearningExample]) -> list[Item]:
    """One item per input of an agent: where experts approved several answers, the newest example counts."""
    chosen: dict[tuple[Any, str], LearningExample] = {}
    for example in examples:
        chosen[example.agent_id, normal_text(example.input_text)] = example
    items = []
    for example in chosen.values():
        group = group_of(example)
        items.append(Item(example, group, split_of(group)))
    return sorted(items, key=lambda item: str(item.example.pk))


def group_of(example: LearningExample) -> str:
    """What near-duplicates share: the cluster, or the fingerprint of the input without case and spacing."""
    return example.cluster_key or hashlib.sha256(normal_text(example.input_text).encode()).hexdigest()


def normal_text(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def split_of(group_key: str) -> Split:
    """The split of a group, from its hash alone."""
    part = int.from_bytes(hashlib.sha256(f"split:{group_key}".encode()).digest()[:8]) % PARTS
    if part < TRAIN_PARTS:
        return Split.TRAIN
    return Split.VALIDATION if part < TRAIN_PARTS + VALIDATION_PARTS else Split.TEST


def manifest_hash(items: Sequence[Item]) -> str:
    """SHA-256 over the sorted items."""
    return hashlib.sha256("\n".join(sorted(item.line() for item in items)).encode()).hexdigest()


def _write(dataset: TrainingDataset, items: Sequence[Item], manifest: str) -> DatasetVersion:
    counts = {split: sum(item.split is split for item in items) for split in Split}
    scores = [item.example.quality_score for item in items if item.example.quality_score is not None]
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=newest_number(dataset) + 1,
        manifest_hash=manifest,
        total=len(items),
        train_count=counts[Split.TRAIN],
        validation_count=counts[Split.VALIDATION],
        test_count=counts[Split.TEST],
        average_quality=sum(scores) / len(scores) if scores else None,
        recipe={"train_parts": TRAIN_PARTS, "validation_parts": VALIDATION_PARTS, "parts": PARTS},
    )
    DatasetExample.objects.bulk_create(
        DatasetExample(
            version=version,
            example=item.example,
            split=item.split,
            group_key=item.group_key,
            input_text=item.example.input_text,
            expected_output=item.example.expected_output,
            weight=1.0 if item.example.consensus_weight is None else item.example.consensus_weight,
        )
        for item in items
    )
    audit.record(
        action="datasetversion.published",
        target=version,
        after={"dataset": dataset.name, "number": version.number, "total": len(items), "manifest_hash": manifest},
    )
    return version


def newest_number(dataset: TrainingDataset) -> int:
    """The number of the newest version, 0 when there is none."""
    return dataset.versions.aggregate(newest=Max("number"))["newest"] or 0


def newest_version(agent: Agent) -> DatasetVersion | None:
    """The version that was published last for an agent."""
    return DatasetVersion.objects.filter(dataset__agent=agent).order_by("-id").first()


def open_examples(version: DatasetVersion) -> list[engine.Example]:
    """The train and validation examples of a version, for an engine. The test split stays sealed."""
    rows = version.items.exclude(split=Split.TEST).select_related("example").order_by("example_id")
    return [_for_engine(row) for row in rows]


def read_test_split(*, version: DatasetVersion, run: TrainingRun) -> list[engine.Example]:
    """The sealed test examples, for the confirmation step of a run. Each reading is in the audit."""
    audit.record(
        action="datasetversion.test_split_read",
        target=version,
        after={"training_run": str(run.pk), "attempt": run.attempt, "examples": version.test_count},
    )
    rows = version.items.filter(split=Split.TEST).select_related("example").order_by("example_id")
    return [_for_engine(row) for row in rows]


def count_test_readings(version: DatasetVersion) -> int:
    """How often the test split was opened; each opening makes it worth a little less as a judge."""
    return AuditEvent.objects.filter(
        action="datasetversion.test_split_read", target_type="datasetversion", target_id=str(version.pk)
    ).count()


def _for_engine(row: DatasetExample) -> engine.Example:
    return engine.Example(
        key=str(row.example_id),
        input=row.input_text,
        expected=row.expected_output,
        split=engine.Split(row.split),
        original=row.example.original_output or None,
        group=row.group_key,
    )
