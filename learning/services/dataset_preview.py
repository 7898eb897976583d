"""What a dataset would publish now, before it is: chosen and split like a version, and then forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from learning.models import Split, TrainingDataset
from learning.services import publication_sql as sql
from learning.services.clusters import lock_splits
from learning.services.datasets import eligible_examples
from learning.services.publication import choose_items

MOST_PREVIEWED = 50_000  # examples; choosing among more takes longer than a page may
LARGE_GROUP = 0.3  # of all items: the splits of larger groups cannot come near their shares
FEW_GROUPS = 20  # of fewer, one in another split moves the shares by more than 5 %
GROUPS = """
SELECT coalesce(max(items), 0), count(*)
FROM (SELECT count(*) AS items FROM publication_item GROUP BY group_key) AS of_group
"""


@dataclass(frozen=True)
class Preview:
    """What a version made now would hold. `splits` and `left_out` are empty where there was too much to choose from.

    eligible: approved examples that the filters select; unprepared: those among them that are not looked at yet, which
    publishing would do; left_out: numbers by reason, see publication.LEFT_OUT; largest_group: items of the group that
    has most of them; groups: how many there are, none of which is ever divided between splits.
    """

    eligible: int
    unprepared: int
    total: int
    splits: dict[str, int]
    left_out: dict[str, int]
    largest_group: int
    groups: int
    is_complete: bool
    is_known: bool  # a version with exactly this content exists

    @property
    def largest_share(self) -> float:
        """Of the largest group, 0-1."""
        return self.largest_group / self.total if self.total else 0.0

    @property
    def groups_too_large(self) -> bool:
        return self.largest_share > LARGE_GROUP and self.total > 1

    @property
    def groups_too_few(self) -> bool:
        """There is too little to come near the shares, and no group that is to blame for it."""
        return 0 < self.groups < FEW_GROUPS and (self.total < FEW_GROUPS or not self.groups_too_large)


def preview_version(*, dataset: TrainingDataset) -> Preview:
    """Choose and split as publishing would, and take it back: no split is assigned, nothing is stored."""
    eligible = eligible_examples(dataset).count()
    unprepared = eligible_examples(dataset).filter(prepared_version=0).count()
    if eligible > MOST_PREVIEWED:
        return Preview(eligible, unprepared, 0, {}, {}, 0, 0, is_complete=False, is_known=False)
    with transaction.atomic():
        lock_splits()
        chosen = choose_items(dataset)
        splits, largest, groups = _measure()
        transaction.set_rollback(True)  # back to the savepoint, with the lock and the splits that were assigned
    known = dataset.versions.filter(manifest_hash=chosen.manifest_hash, erased_at=None).exists()
    return Preview(
        eligible, unprepared, chosen.total, splits, chosen.left_out, largest, groups, is_complete=True, is_known=known
    )


def _measure() -> tuple[dict[str, int], int, int]:
    splits: dict[str, int] = dict.fromkeys(Split.values, 0)
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS)
        splits.update({split: number for split, number, _ in cursor.fetchall() if split is not None})
        cursor.execute(GROUPS)
        largest, groups = cursor.fetchone()
    return splits, largest, groups
