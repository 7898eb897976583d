"""Reading the versions of a dataset: which there are, what is in them that may be seen, who opened the test split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet

from learning.models import (
    TEST_SPLIT_READ,
    DatasetExample,
    DatasetVersion,
    LearningExample,
    Split,
    TrainingDataset,
    TrainingRun,
)
from learning.services.shared_tests import versions_sharing_tests
from organizations.identifiers import as_uuid
from organizations.models import AuditEvent

PAGE = 50


@dataclass(frozen=True)
class Reading:
    """The test split was opened: for the confirmation of a run, for an export, whose format it then names, or for a
    gate, with the key of its report.

    `run` is None when it is not there any more.
    """

    at: datetime
    who: str
    run: TrainingRun | None = None
    attempt: int = 1
    export: str = ""
    gate: UUID | None = None


def find_number(dataset: TrainingDataset, number: int) -> DatasetVersion | None:
    """The version of a dataset with that number."""
    return dataset.versions.select_related("dataset__agent", "replaced_by").filter(number=number).first()


def replacement_of(version: DatasetVersion) -> DatasetVersion | None:
    """What to use instead of a version in which a person was forgotten; None when nothing of it is left."""
    found = version.replaced_by
    while found is not None and found.erased_at is not None:  # somebody in that one was forgotten later
        found = found.replaced_by
    return found


def _families(keys: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """Each version with those that it replaced when a person was forgotten: their test split goes on in its own."""
    replaced = DatasetVersion.objects.filter(dataset__versions__in=keys, replaced_by__isnull=False)
    next_of = dict(replaced.values_list("pk", "replaced_by"))
    families = {key: {key} for key in keys}
    for key in next_of:
        after = next_of.get(key)
        while after is not None:
            families.get(after, set()).add(key)
            after = next_of.get(after)
    return families


def _events(versions: Iterable[UUID]) -> QuerySet[AuditEvent]:
    return _all_events().filter(target_id__in=[str(key) for key in versions])


def _all_events() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(action=TEST_SPLIT_READ, target_type="datasetversion")


def _with_shared_tests(version_id: UUID) -> set[UUID]:
    """The version, those that it replaced, and all that were read and have test examples in common with it."""
    family = _families([version_id])[version_id]
    read = {UUID(key) for key in _all_events().order_by().values_list("target_id", flat=True).distinct()}
    return family | versions_sharing_tests(version_id, others=read - family)


def count_readings(versions: Sequence[DatasetVersion]) -> dict[UUID, int]:
    """How often the test split of each was opened, also before it left a person out; others are not in it."""
    families = _families([version.pk for version in versions])
    events = _events(set().union(*families.values()))
    times = {UUID(key): n for key, n in events.order_by().values_list("target_id").annotate(n=Count("id"))}
    told = {key: sum(times.get(one, 0) for one in keys) for key, keys in families.items()}
    return {key: n for key, n in told.items() if n}


def count_earlier_readings(*, version_id: UUID, run_id: UUID) -> int:
    """How often others saw test examples of the version before the run did first: each run once, each export.

    Examples are in many versions: who opened the test split of one has seen what the others share with it.
    """
    events = _events(_with_shared_tests(version_id)).order_by("created_at", "id")
    readers = [after.get("training_run") or place for place, after in enumerate(events.values_list("after", flat=True))]
    earlier = readers[: readers.index(str(run_id))] if str(run_id) in readers else readers
    return len(set(earlier))


def list_readings(version: DatasetVersion) -> list[Reading]:
    """Each opening of the test split, the newest first: the run that confirmed its result on it, or the export."""
    events = _events(_families([version.pk])[version.pk])
    told = [(event, event.after) for event in events.order_by("-created_at")]
    runs = TrainingRun.objects.in_bulk([UUID(after["training_run"]) for _, after in told if after.get("training_run")])
    by_key = {str(key): run for key, run in runs.items()}
    return [
        Reading(
            at=event.created_at,
            who=event.actor_label,
            run=by_key.get(after.get("training_run", "")),
            attempt=after.get("attempt", 1),
            export=after.get("export", ""),
            gate=as_uuid(after.get("gate", "")),
        )
        for event, after in told
    ]


def examples_in(version: DatasetVersion) -> QuerySet[LearningExample]:
    """The examples behind the items outside the test split, as they are now, oldest first."""
    items = version.items.exclude(split=Split.TEST)
    return LearningExample.objects.filter(pk__in=items.values("example")).order_by("id")


def open_items(
    version: DatasetVersion, *, split: str = "", after: UUID | None = None, limit: int = PAGE
) -> tuple[list[DatasetExample], UUID | None]:
    """Items outside the test split, by the key of the example; and after which key the next page begins."""
    items = version.items.exclude(split=Split.TEST).select_related("example").order_by("example_id")
    if split:
        items = items.filter(split=split)
    if after is not None:
        items = items.filter(example_id__gt=after)
    found = list(items[: limit + 1])
    return found[:limit], found[limit - 1].example_id if len(found) > limit else None
