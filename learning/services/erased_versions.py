"""Dataset versions that hold a person: their items go, and the newest is published again without them.

The old version stays as a record that it was (its manifest hash, its counts), so that runs and configs made of it still
say where they came from. Older versions of a dataset are not made anew: what replaces them is the newest.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from learning.models import DatasetExample, DatasetVersion, LearningExample, SplitAssignment, TrainingDataset
from learning.services.clusters import lock_splits
from learning.services.data_card import write_card
from learning.services.datasets import newest_number
from learning.services.manifests import digest_of
from organizations import audit
from organizations.erasers import Person, erasing
from organizations.scope import current_organization_id

SUMMARY = f"""
SELECT count(*), {digest_of("i")},
  count(*) FILTER (WHERE i.split = 'train'), count(*) FILTER (WHERE i.split = 'validation'),
  count(*) FILTER (WHERE i.split = 'test'), avg(e.quality_score)
FROM learning_datasetexample i JOIN learning_learningexample e ON e.organization_id = i.organization_id
  AND e.id = i.example_id
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s
"""  # noqa: S608  our own names
COPY = """
INSERT INTO learning_datasetexample ({columns})
SELECT {values} FROM learning_datasetexample WHERE organization_id = %(organization)s AND version_id = %(version)s
"""


def versions_of(person: Person) -> list[DatasetVersion]:
    """The versions that hold the person, the newest of each dataset first."""
    ids = DatasetExample.objects.filter(example_id__in=person.example_ids).values("version_id")
    return list(DatasetVersion.objects.filter(pk__in=ids).select_related("dataset").order_by("dataset_id", "-number"))


def count_items(person: Person) -> int:
    return DatasetExample.objects.filter(example_id__in=person.example_ids).count()


def erase_from_version(*, version: DatasetVersion, person: Person) -> dict[str, Any]:
    """Take the person out of a version, in the caller's transaction; what the receipt says of it."""
    lock_splits()
    TrainingDataset.objects.select_for_update().get(pk=version.dataset_id)
    was_newest = version.erased_at is None and not _newer(version)
    own = DatasetExample.objects.filter(version=version, example_id__in=person.example_ids)
    keys = {key for pair in own.values_list("cluster_key", "group_key") for key in pair}
    with erasing():
        items = own.delete()[0]
    replacement = _publish_rest(version) if was_newest else _newest(version)
    DatasetVersion.objects.filter(pk=version.pk).update(
        erased_at=timezone.now(), replaced_by=replacement, updated_at=timezone.now()
    )
    _forget_groups(keys, person)
    told = {"items": items, "replaced_by": replacement.number if replacement else None}
    audit.record(action="datasetversion.erased", target=version, after=told)
    names = {"dataset": version.dataset.name, "dataset_id": str(version.dataset_id), "number": version.number}
    return names | told


def _newer(version: DatasetVersion) -> bool:
    newer = DatasetVersion.objects.filter(dataset=version.dataset_id, number__gt=version.number, erased_at=None)
    return newer.exists()


def _newest(version: DatasetVersion) -> DatasetVersion | None:
    versions = DatasetVersion.objects.filter(dataset=version.dataset_id, erased_at=None).exclude(pk=version.pk)
    return versions.order_by("-number").first()


def _publish_rest(version: DatasetVersion) -> DatasetVersion | None:
    """What is left of a version as a version of its own, or the one that holds just that; None when nothing is left."""
    given: dict[str, Any] = {"organization": current_organization_id(), "version": version.pk}
    with connection.cursor() as cursor:
        cursor.execute(SUMMARY, given)
        total, manifest, train, validation, test, quality = cursor.fetchone()
    if not total:
        return _newest(version)
    known = DatasetVersion.objects.filter(dataset=version.dataset_id, manifest_hash=manifest, erased_at=None)
    if same := known.exclude(pk=version.pk).first():
        return same
    rest = DatasetVersion.objects.create(
        dataset=version.dataset,
        number=newest_number(version.dataset) + 1,
        manifest_hash=manifest,
        total=total,
        train_count=train,
        validation_count=validation,
        test_count=test,
        average_quality=quality,
        recipe=version.recipe,
    )
    with connection.cursor() as cursor:
        cursor.execute(_copy(), given | {"rest": rest.pk})
    write_card(version=rest, left_out=version.card.get("left_out", {}))
    told = {"dataset": version.dataset.name, "number": rest.number, "total": total, "manifest_hash": manifest}
    audit.record(action="datasetversion.published", target=rest, after=told)
    return rest


def _copy() -> str:
    """Every column as it is, but for the key and the version."""
    new = {"id": "gen_random_uuid()", "version_id": "%(rest)s", "created_at": "now()", "updated_at": "now()"}
    columns = [str(field.column) for field in DatasetExample._meta.local_fields]
    return COPY.format(columns=", ".join(columns), values=", ".join(new.get(column, column) for column in columns))


def _forget_groups(keys: set[str], person: Person) -> None:
    """Splits of groups that hold nothing any more: their keys are made of what the person said or was called."""
    used = DatasetExample.objects.filter(cluster_key__in=keys).values_list("cluster_key", flat=True)
    grouped = DatasetExample.objects.filter(group_key__in=keys).values_list("group_key", flat=True)
    others = LearningExample.objects.filter(cluster_key__in=keys).exclude(pk__in=person.example_ids)
    clusters = others.values_list("cluster_key", flat=True)
    SplitAssignment.objects.filter(key__in=keys - set(used) - set(grouped) - set(clusters)).delete()
