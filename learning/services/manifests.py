"""Checking a published version against its manifest: what is stored must give the SHA-256 that was published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from learning.models import DatasetVersion
from learning.services.preparation import hash_content
from organizations.scope import current_organization_id

# The same lines in the same order as when it was published (publication_sql.MANIFEST), from the stored items.
STORED = """
SELECT count(*), encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex')
FROM (
  SELECT content_hash || '|' || split || '|' || weight AS line FROM learning_datasetexample
  WHERE organization_id = %(organization)s AND version_id = %(version)s
) lines
"""


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


def find_version(*, dataset_name: str, number: int | None = None) -> DatasetVersion | None:
    """The version of a dataset by its name; without a number the newest."""
    versions = DatasetVersion.objects.select_related("dataset").filter(dataset__name=dataset_name).order_by("-number")
    return (versions if number is None else versions.filter(number=number)).first()
