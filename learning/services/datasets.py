"""Datasets: which approved examples belong in, and their immutable versions."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max, Q, QuerySet

from learning.engines import types as engine
from learning.models import (
    BAD_TYPES,
    TEST_SPLIT_READ,
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
from learning.services.recipes import create_dataset as create_dataset  # the door for all who know this module
from learning.services.user_words import Words, words_about
from organizations import audit
from organizations.scope import current_organization_id

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.readings:' || %s::text, 0))"
# What states the right answer to an input.
TEACHING = (ExampleType.CORRECTION, ExampleType.DEMONSTRATION, ExampleType.POSITIVE, ExampleType.EDGE_CASE)


def eligible_examples(dataset: TrainingDataset) -> QuerySet[LearningExample]:
    """The approved examples that the dataset's filters select, oldest first."""
    types = dataset.example_types or list(TEACHING)
    examples = LearningExample.objects.filter(review_status=ReviewStatus.APPROVED, example_type__in=types)
    examples = examples.exclude(input_text="").exclude(Q(expected_output="") & ~Q(example_type__in=BAD_TYPES))
    if dataset.agent_id:
        examples = examples.filter(agent_id=dataset.agent_id)
    if dataset.least_quality is not None:
        examples = examples.filter(quality_score__gte=dataset.least_quality)
    if dataset.tags:
        examples = examples.filter(tags__overlap=dataset.tags)
    for field, chosen in (("domain", "domains"), ("task_type", "task_types"), ("source_type", "source_types")):
        if wanted := getattr(dataset, chosen):
            examples = examples.filter(**{f"{field}__in": wanted})
    return examples.order_by("id")


def newest_number(dataset: TrainingDataset) -> int:
    """The number of the newest version, 0 when there is none."""
    return dataset.versions.aggregate(newest=Max("number"))["newest"] or 0


def newest_version(agent: Agent) -> DatasetVersion | None:
    """The version that was published last for an agent."""
    return DatasetVersion.objects.filter(dataset__agent=agent, erased_at=None).order_by("-id").first()


def open_examples(version: DatasetVersion) -> list[engine.Example]:
    """The train and validation examples of a version, for an engine. The test split stays sealed."""
    rows = version.items.exclude(split=Split.TEST).filter(example_type__in=TEACHING).order_by("example_id")
    said = words_about(version)
    return [_for_engine(row, said.get(row.example_id, Words())) for row in rows]


def read_test_split(*, version: DatasetVersion, run: TrainingRun) -> list[engine.Example]:
    """The sealed test examples, for the confirmation step of a run. Each reading is in the audit."""
    record_reading(version=version, run=run)
    rows = version.items.filter(split=Split.TEST, example_type__in=TEACHING).order_by("example_id")
    return [_for_engine(row, Words()) for row in rows]


def record_reading(*, version: DatasetVersion, run: TrainingRun) -> None:
    """That a run reads the test split. Runs of an organization read one by one, until the transaction ends: of two
    that read the same examples at once, in whatever versions, the later one must know of the earlier one."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [current_organization_id()])
    told = {"training_run": str(run.pk), "attempt": run.attempt, "examples": version.test_count}
    audit.record(action=TEST_SPLIT_READ, target=version, after=told)


def _for_engine(row: DatasetExample, said: Words) -> engine.Example:
    return engine.Example(
        key=str(row.example_id),
        input=row.input_text,
        expected=row.expected_output,
        split=engine.Split(row.split),
        original=row.original_output or None,
        group=row.cluster_key,
        issues=said.issues,
        comment=said.comment,
    )
