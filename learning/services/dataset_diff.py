"""What differs between two versions of a dataset. Of sealed test items only numbers are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from learning.models import DatasetExample, DatasetVersion, Split
from organizations.scope import current_organization_id

ADDED, REMOVED, CHANGED = KINDS = ("added", "removed", "changed")
PAGE = 50
# An example is changed when another text, or another weight, stands for it.
JOINED = """
FROM (SELECT * FROM learning_datasetexample WHERE organization_id = %(organization)s AND version_id = %(old)s) o
FULL JOIN (SELECT * FROM learning_datasetexample WHERE organization_id = %(organization)s AND version_id = %(new)s) n
  ON n.example_id = o.example_id
WHERE (o.id IS NULL OR n.id IS NULL OR n.content_hash <> o.content_hash OR n.weight <> o.weight)
"""
KIND = "CASE WHEN o.id IS NULL THEN 'added' WHEN n.id IS NULL THEN 'removed' ELSE 'changed' END"
NUMBERS = "SELECT {kind}, coalesce(n.split, o.split), count(*) {joined} GROUP BY 1, 2"
ROWS = """
SELECT coalesce(n.example_id, o.example_id), {kind}, o.id, n.id {joined}
AND coalesce(n.split, o.split) <> 'test' AND coalesce(o.split, n.split) <> 'test'
AND (%(kind)s = '' OR {kind} = %(kind)s)
AND (%(after)s::uuid IS NULL OR coalesce(n.example_id, o.example_id) > %(after)s)
ORDER BY 1 LIMIT %(most)s
"""


@dataclass(frozen=True)
class Difference:
    """One example that differs; `old` or `new` is None where only the other version has it."""

    example_id: UUID
    kind: str
    old: DatasetExample | None
    new: DatasetExample | None

    @property
    def item(self) -> DatasetExample | None:
        """As it is now, or was last."""
        return self.new or self.old


def count_differences(*, old: DatasetVersion, new: DatasetVersion) -> dict[str, dict[str, int]]:
    """How many were added, removed and changed, by split, the sealed one included."""
    found: dict[str, dict[str, int]] = {kind: dict.fromkeys(Split.values, 0) for kind in KINDS}
    with connection.cursor() as cursor:
        cursor.execute(NUMBERS.format(kind=KIND, joined=JOINED), _parameters(old, new))
        for kind, split, number in cursor.fetchall():
            found[kind][split] = number
    return found


def list_differences(
    *, old: DatasetVersion, new: DatasetVersion, kind: str = "", after: UUID | None = None, limit: int = PAGE
) -> tuple[list[Difference], UUID | None]:
    """Differences outside the test split, by the key of the example; and after which key the next page begins."""
    asked = _parameters(old, new) | {"kind": kind, "after": after, "most": limit + 1}
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(kind=KIND, joined=JOINED), asked)
        found = cursor.fetchall()
    keys = [key for row in found[:limit] for key in row[2:] if key]
    items = DatasetExample.objects.in_bulk(keys)
    rows = [
        Difference(example, what, items.get(before), items.get(now)) for example, what, before, now in found[:limit]
    ]
    return rows, rows[-1].example_id if len(found) > limit else None


def changed_recipe(*, old: DatasetVersion, new: DatasetVersion) -> dict[str, tuple[Any, Any]]:
    """What was decided otherwise, by the name of the field: (before, now)."""
    before, now = old.recipe, new.recipe
    return {
        name: (before.get(name), now.get(name))
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    }


def _parameters(old: DatasetVersion, new: DatasetVersion) -> dict[str, Any]:
    return {"organization": current_organization_id(), "old": old.pk, "new": new.pk}
