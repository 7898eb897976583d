"""The MinHash bands of examples: by them a new text finds those that may be its near-duplicates.

Of examples with the same input one has bands. They stand for the texts that examples have, and for those that were
published: what a version holds is never forgotten, whatever became of the example.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from learning.engines.similarity import are_near
from learning.models import DatasetExample
from organizations.scope import current_organization_id

PER_BAND = 16  # examples looked at for one hash; those that share it are mostly near-duplicates of each other
CANDIDATES = """
SELECT DISTINCT h.place, b.example_id
FROM unnest(%(places)s::int[], %(hashes)s::bigint[]) AS h(place, band_hash)
CROSS JOIN LATERAL (
  SELECT example_id FROM learning_exampleband
  WHERE organization_id = %(organization)s AND band_hash = h.band_hash LIMIT %(most)s
) b
"""
REMEMBER = """
INSERT INTO learning_exampleband (organization_id, band_hash, example_id)
SELECT %(organization)s, h, e FROM unnest(%(hashes)s::bigint[], %(examples)s::uuid[]) AS b(h, e) ON CONFLICT DO NOTHING
"""
# To another example with the same input, rather to one that still has its text.
HAND_OVER = """
WITH gone AS (
  DELETE FROM learning_exampleband WHERE organization_id = %(organization)s AND example_id = ANY(%(examples)s::uuid[])
  RETURNING band_hash, example_id
)
INSERT INTO learning_exampleband (organization_id, band_hash, example_id)
SELECT %(organization)s, gone.band_hash, same.id
FROM gone JOIN learning_learningexample e ON e.organization_id = %(organization)s AND e.id = gone.example_id
CROSS JOIN LATERAL (
  SELECT o.id FROM learning_learningexample o
  WHERE o.organization_id = %(organization)s AND o.input_hash = e.input_hash AND o.input_hash <> ''
    AND o.cluster_key <> '' AND NOT o.is_bridge AND o.id <> ALL(%(examples)s::uuid[])
  ORDER BY o.prepared_version = 0, o.id LIMIT 1
) same
ON CONFLICT DO NOTHING
"""


def stored_candidates(order: Sequence[UUID], bands: Sequence[Sequence[int]]) -> dict[UUID, set[UUID]]:
    """For each example (in `order`, with its bands) other examples that share a band."""
    found: dict[UUID, set[UUID]] = {pk: set() for pk in order}
    parameters: dict[str, Any] = {
        "places": [place for place, row in enumerate(bands) for _ in row],
        "hashes": [value for row in bands for value in row],
        "organization": current_organization_id(),
        "most": PER_BAND,
    }
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, parameters)
        for place, example in cursor.fetchall():
            found[order[place]].add(example)
    for pk in order:
        found[pk].discard(pk)
    return found


def published_near(texts: Mapping[UUID, str], candidates: Mapping[UUID, Iterable[UUID]]) -> dict[UUID, set[str]]:
    """For each text the clusters of published near-duplicates that are no more what their examples say.

    A published text of the example itself is one of them.
    """
    wanted = {other for others in candidates.values() for other in others} | set(texts)
    rows = DatasetExample.objects.filter(example_id__in=wanted)
    rows = rows.filter(~Q(input_text=F("example__input_text")) | Q(example__is_bridge=True))
    published: dict[UUID, list[tuple[str, str]]] = {}
    for pk, text, key in rows.order_by().values_list("example_id", "input_text", "cluster_key").distinct():
        published.setdefault(pk, []).append((text, key))
    return {
        pk: {key for one in {*candidates[pk], pk} for text, key in published.get(one, ()) if are_near(texts[pk], text)}
        for pk in texts
    }


def remember_bands(rows: Sequence[tuple[UUID, Sequence[int]]]) -> None:
    """Bands by which these examples are found from now on, beside those that they have."""
    values: dict[str, Any] = {
        "organization": current_organization_id(),
        "hashes": [value for _, row in rows for value in row],
        "examples": [pk for pk, row in rows for _ in row],
    }
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, values)


def forget_bands(*, example_ids: Sequence[UUID]) -> None:
    """Before examples are deleted or keep another input: nothing resembles them any more.

    An example with the same input takes their bands over. The caller holds `clusters.lock_splits`; the rows have still
    the `input_hash` of the text that goes.
    """
    if not example_ids:
        return
    values: dict[str, Any] = {"organization": current_organization_id(), "examples": list(example_ids)}
    with connection.cursor() as cursor:
        cursor.execute(HAND_OVER, values)


def remember_published(*, example_ids: Sequence[UUID]) -> None:
    """After examples have got other texts: what was published of them is found as before."""
    from learning.engines.duplicates import band_hashes  # numpy, which a process that serves pages has no use for

    rows = DatasetExample.objects.filter(example_id__in=example_ids).order_by()
    published = list(rows.values_list("example_id", "input_text").distinct())
    if published:
        bands = band_hashes([text for _, text in published]).tolist()
        remember_bands([(pk, row) for (pk, _), row in zip(published, bands, strict=True)])
