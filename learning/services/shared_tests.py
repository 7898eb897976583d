"""Which versions have test examples in common: who has read one of them has seen cases of the others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from organizations.scope import current_organization_id

# Ends at the first example that is in both; where there is none, each of ours was looked for in the index.
BY_EXAMPLE = """
SELECT other.id FROM unnest(%(others)s::uuid[]) AS other(id) CROSS JOIN LATERAL (
  SELECT 1 FROM learning_datasetexample ours JOIN learning_datasetexample theirs
    ON theirs.organization_id = %(organization)s AND theirs.version_id = other.id AND theirs.split = 'test'
    AND theirs.example_id = ours.example_id
  WHERE ours.organization_id = %(organization)s AND ours.version_id = %(version)s AND ours.split = 'test' LIMIT 1
) shared
"""
# Near-duplicates are one case, whichever of them a version holds.
BY_CLUSTER = """
SELECT DISTINCT theirs.version_id FROM learning_datasetexample theirs
WHERE theirs.organization_id = %(organization)s AND theirs.version_id = ANY(%(others)s::uuid[])
  AND theirs.split = 'test' AND theirs.cluster_key IN (
    SELECT ours.cluster_key FROM learning_datasetexample ours
    WHERE ours.organization_id = %(organization)s AND ours.version_id = %(version)s AND ours.split = 'test')
"""


def versions_sharing_tests(version_id: UUID, *, others: Collection[UUID]) -> set[UUID]:
    """Those of the others that have a test example, or a near-duplicate of one, in common with the version."""
    found = _found(BY_EXAMPLE, version_id, others)
    return found | _found(BY_CLUSTER, version_id, set(others) - found)


def _found(statement: str, version_id: UUID, others: Collection[UUID]) -> set[UUID]:
    if not others:
        return set()
    given: dict[str, Any] = {"organization": current_organization_id(), "version": version_id, "others": list(others)}
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return {row[0] for row in cursor.fetchall()}
