"""Which versions have test examples in common: who has read one of them has seen cases of the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from organizations.cursors import cursor_without
from organizations.scope import current_organization_id

# Ends at the first example that is in both.
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
# What was published lately the planner takes for one row, and would go through all of it for each of ours.
IN_ORDER = ("enable_nestloop", "enable_hashjoin", "enable_sort")  # off: both sides are read side by side by their index
AS_A_WHOLE = ("enable_nestloop",)


def versions_sharing_tests(version_id: UUID, *, others: Collection[UUID]) -> set[UUID]:
    """Those of the others that have a test example, or a near-duplicate of one, in common with the version."""
    found = _found(BY_EXAMPLE, version_id, others, without=IN_ORDER)
    return found | _found(BY_CLUSTER, version_id, set(others) - found, without=AS_A_WHOLE)


def _found(statement: str, version_id: UUID, others: Collection[UUID], without: Sequence[str]) -> set[UUID]:
    if not others:
        return set()
    given: dict[str, Any] = {"organization": current_organization_id(), "version": version_id, "others": list(others)}
    with cursor_without(*without) as cursor:
        cursor.execute(statement, given)
        return {row[0] for row in cursor.fetchall()}
