"""Publishing a dataset: an immutable version of what it selects now, split without leaks and signed by its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from learning.models import DatasetVersion, GroupBy, Split, TrainingDataset
from learning.services import publication_sql as sql
from learning.services.clusters import lock_splits
from learning.services.data_card import write_card
from learning.services.datasets import eligible_examples, newest_number
from learning.services.preparation import prepare_all
from learning.services.recipes import recipe_of
from learning.services.splits import BATCH, Member, Shares, assign_alone, assign_splits, group_key
from organizations import audit
from organizations.cursors import whole_cursor
from organizations.errors import Conflict, Refused
from organizations.scope import current_organization_id

MANY = 1_000  # items
TRIES = 3  # of choosing, while people go on changing what was chosen
LEFT_OUT = {  # the reasons as a person reads them
    "no_consent": "the user did not agree to learning from it",
    "no_input": "its input is empty",
    "bridge": "resembles examples of different splits",
    "repeated": "another answer to the same input is newer",
    "not_representative": "a near-duplicate represents it",
    "split_conflict": "its near-duplicates and its group are in different splits",
    "synthetic": "synthetic, and what it resembles is not trained on",
}


class _Changed(Exception):
    """Somebody changed examples between choosing and storing them."""


@dataclass(frozen=True)
class Chosen:
    """What a version would hold: its signature, and what was left out and why."""

    total: int
    manifest_hash: str
    left_out: dict[str, int]


def publish_version(*, dataset: TrainingDataset, progress: Callable[[int], None] | None = None) -> DatasetVersion:
    """An immutable version of what the dataset selects now.

    The same content again is the same version: the one with that manifest is returned and nothing is written.
    `progress` is told how many examples were prepared. Raises Refused when nothing is eligible, and Conflict when
    people change examples again and again while they are chosen.
    """
    for _ in range(TRIES):
        prepare_all(waiting=eligible_examples(dataset), progress=progress)
        try:
            return _publish(dataset)
        except _Changed:
            continue
    raise Conflict("Examples of this dataset are being changed right now. Publish it again in a moment.", "dataset")


def _publish(dataset: TrainingDataset) -> DatasetVersion:
    """One try, all or nothing. Raises _Changed, Refused."""
    with transaction.atomic():
        lock_splits()
        TrainingDataset.objects.select_for_update().get(pk=dataset.pk)
        chosen = choose_items(dataset)
        if not chosen.total:
            raise Refused(_nothing(chosen), "dataset")
        known = dataset.versions.filter(manifest_hash=chosen.manifest_hash, erased_at=None).first()
        return known or _write(dataset, chosen)


def choose_items(dataset: TrainingDataset) -> Chosen:
    """Fill the transaction's table of items: one for each input of an agent, with split and weight."""
    left_out = _select(dataset)
    with connection.cursor() as cursor:
        cursor.execute(sql.NUMBER)
        (selected,) = cursor.fetchone()
    with _whole_tables(selected):
        _split(dataset)
    left_out |= _drop(sql.SPLIT_CONFLICT, "split_conflict") | _drop(sql.SYNTHETIC_OUTSIDE_TRAIN, "synthetic")
    with connection.cursor() as cursor:
        cursor.execute(sql.weigh(dataset), {"half_life": dataset.half_life_days})
        cursor.execute(sql.MANIFEST)
        total, manifest = cursor.fetchone()
    return Chosen(total, manifest or "", {reason: number for reason, number in left_out.items() if number})


@contextmanager
def _whole_tables(items: int) -> Iterator[None]:
    """In the block many items are joined with tables as a whole, not row by row.

    The planner's statistics do not know what was written lately: they take a new version, and the splits and examples
    that an organization got since, for one row, and would loop over all of one for each of the other. Not for tables of
    which the items need a few rows of millions.
    """
    with connection.cursor() as cursor:
        if items >= MANY:
            cursor.execute("SET LOCAL enable_nestloop TO off")
        yield  # after an error the setting goes back with all the rest
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def _select(dataset: TrainingDataset) -> dict[str, int]:
    """Everything eligible, less what the recipe leaves out."""
    eligible = eligible_examples(dataset).filter(prepared_version__gt=0)  # one that was changed since waits again
    query, parameters = eligible.order_by().values(*sql.EXAMPLE).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql.FRESH)
        cursor.execute(sql.select(query, dataset.group_by), parameters)
        cursor.execute(sql.KNOWN)
    left_out = _drop(sql.NO_CONSENT, "no_consent") | _drop(sql.NO_INPUT, "no_input")
    left_out |= _drop(sql.BRIDGES, "bridge") | _drop(sql.REPEATED, "repeated")
    if dataset.duplicates == "representative":
        left_out |= _drop(sql.NOT_REPRESENTATIVE, "not_representative")
    return left_out


def _drop(statement: str, reason: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {reason: cursor.rowcount}


def _split(dataset: TrainingDataset) -> None:
    """Give each item the split of its cluster and its group."""
    grouped = dataset.group_by != GroupBy.CLUSTER
    shares = Shares(dataset.train_share, dataset.validation_share)
    with connection.cursor() as cursor:
        if grouped:
            cursor.execute(sql.GROUPS)
            names = [name for (name,) in cursor.fetchall()]
            keys = [group_key(dataset.group_by, name) for name in names]
            cursor.execute(sql.NAME_GROUPS, {"names": names, "keys": keys})
            cursor.execute(sql.MEMBERS)
            assign_splits(members=[Member(*row) for row in cursor.fetchall()], shares=shares)
        with whole_cursor() as alone:
            alone.execute(sql.ALONE, {"organization": current_organization_id()})
            while clusters := alone.fetchmany(BATCH):
                assign_alone(clusters=clusters, shares=shares)
        cursor.execute(sql.TAKE_SPLITS, {"organization": current_organization_id()})


def _write(dataset: TrainingDataset, chosen: Chosen) -> DatasetVersion:
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS)
        counts, quality = dict.fromkeys(Split, 0), None
        for split, number, average in cursor.fetchall():
            if split is None:
                quality = average
            else:
                counts[Split(split)] = number
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=newest_number(dataset) + 1,
        manifest_hash=chosen.manifest_hash,
        total=chosen.total,
        train_count=counts[Split.TRAIN],
        validation_count=counts[Split.VALIDATION],
        test_count=counts[Split.TEST],
        average_quality=quality,
        recipe=recipe_of(dataset),
    )
    with _whole_tables(chosen.total), connection.cursor() as cursor:
        cursor.execute(sql.STORE, {"organization": current_organization_id(), "version": version.pk})
        if cursor.rowcount != chosen.total:
            raise _Changed
        write_card(version=version, left_out=chosen.left_out)
    told = {"dataset": dataset.name, "number": version.number, "total": chosen.total}
    audit.record(
        action="datasetversion.published", target=version, after=told | {"manifest_hash": chosen.manifest_hash}
    )
    return version


def _nothing(chosen: Chosen) -> str:
    if not chosen.left_out:
        return "No approved example belongs to this dataset yet. Review some first."
    reasons = ", ".join(f"{number} ({LEFT_OUT[reason]})" for reason, number in chosen.left_out.items())
    return f"Every example of this dataset was left out: {reasons}."
