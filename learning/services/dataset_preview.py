"""What a dataset would publish now, before it is: chosen and split like a version, and then forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from learning.models import Split, TrainingDataset
from learning.services import publication_sql as sql
from learning.services.clusters import lock_splits
from learning.services.datasets import eligible_examples
from learning.services.publication import Chosen, choose_items

MOST_PREVIEWED = 50_000  # examples; choosing among more takes longer than a page may
LARGE_GROUP = 0.3  # of all items: the splits of larger groups cannot come near their shares
LARGEST_GROUP = "SELECT count(*) FROM publication_item GROUP BY group_key ORDER BY 1 DESC LIMIT 1"


@dataclass(frozen=True)
class Preview:
    """What a version made now would hold. `splits` and `left_out` are empty where there was too much to choose from.

    eligible: approved examples that the filters select; unprepared: those among them that are not looked at yet, which
    publishing would do; left_out: numbers by reason, see publication.LEFT_OUT; largest_group: items of the group that
    has most of them.
    """

    eligible: int
    unprepared: int
    total: int
    splits: dict[str, int]
    left_out: dict[str, int]
    largest_group: int
    is_complete: bool
    is_known: bool  # a version with exactly this content exists

    @property
    def largest_share(self) -> float:
        """Of the largest group, 0-1."""
        return self.largest_group / self.total if self.total else 0.0

    @property
    def groups_too_large(self) -> bool:
        return self.largest_share > LARGE_GROUP and self.total > 1


def preview_version(*, dataset: TrainingDataset) -> Preview:
    """Choose and split as publishing would, and take it back: no split is assigned, nothing is stored."""
    eligible = eligible_examples(dataset).count()
    unprepared = eligible_examples(dataset).filter(prepared_version=0).count()
    if eligible > MOST_PREVIEWED:
        return Preview(eligible, unprepared, 0, {}, {}, 0, is_complete=False, is_known=False)
    with transaction.atomic():
        lock_splits()
        chosen = choose_items(dataset)
        splits, largest = _measure()
        transaction.set_rollback(True)  # back to the savepoint, with the lock and the splits that were assigned
    known = dataset.versions.filter(manifest_hash=chosen.manifest_hash, erased_at=None).exists()
    return _preview(chosen, eligible, unprepared, splits, largest, known)


def _measure() -> tuple[dict[str, int], int]:
    splits: dict[str, int] = dict.fromkeys(Split.values, 0)
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS)
        splits.update({split: number for split, number, _ in cursor.fetchall() if split is not None})
        cursor.execute(LARGEST_GROUP)
        row = cursor.fetchone()
    return splits, row[0] if row else 0


def _preview(
    chosen: Chosen, eligible: int, unprepared: int, splits: dict[str, int], largest: int, known: bool
) -> Preview:
    return Preview(
        eligible, unprepared, chosen.total, splits, chosen.left_out, largest, is_complete=True, is_known=known
    )
