"""The manifest of a version, and checking it: what is stored must give the SHA-256 that was published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from learning.models import DatasetVersion
from learning.services.preparation import hash_content
from organizations.scope import current_organization_id


def digest_of(items: str) -> str:
    """The SQL expression for the SHA-256 of a version with these items: the table's name or alias.

    A line of each, in the order of the lines, whatever the collation of the database.
    """
    line = f"{items}.content_hash || '|' || {items}.split || '|' || {items}.weight"
    lines = f"""string_agg({line}, E'\\n' ORDER BY ({line}) COLLATE "C")"""
    return f"encode(sha256(convert_to({lines}, 'UTF8')), 'hex')"


STORED = f"""
SELECT count(*), {digest_of("i")} FROM learning_datasetexample i
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s
"""  # noqa: S608  our own names


@dataclass(frozen=True)
class Verified:
    """What the stored items give. `changed`: items whose texts no longer give their own hash."""

    published: str
    stored: str
    items: int
    changed: int

    @property
    def holds(self) -> bool:
        return self.stored == self.published and self.changed == 0


def verify_version(*, version: DatasetVersion) -> Verified:
    """Compute the manifest again: first each item's hash from its texts, then the whole from the items.

    Items are read one after the other, so that a million need no more memory than one.
    """
    with connection.cursor() as cursor:
        cursor.execute(STORED, {"organization": current_organization_id(), "version": version.pk})
        items, stored = cursor.fetchone()
    rows = version.items.order_by().iterator(chunk_size=1000)
    changed = sum(hash_content(cast(Any, row)) != row.content_hash for row in rows)
    return Verified(version.manifest_hash, stored or "", items, changed)
