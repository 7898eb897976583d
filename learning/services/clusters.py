"""Near-duplicates: which examples belong together, kept up to date as they come.

Clusters are the connected components of "is a near-duplicate of" (single linkage), so that no pair of near-duplicates
lies in two clusters and therefore in two splits. Where an example connects clusters whose splits were assigned
already and differ, it is a bridge: it joins neither, and no dataset takes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from learning.engines.similarity import are_near
from learning.models import ExampleBand, LearningExample, SplitAssignment
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
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.splits:' || %s::text, 0))"
TRY_LOCK = LOCK.replace("_advisory_", "_try_advisory_")


@dataclass(frozen=True)
class Place:
    """Where an example belongs: its cluster, and whether it resembles examples of different splits."""

    cluster_key: str
    is_bridge: bool = False


@dataclass
class _Neighbourhood:
    """What is known about clusters while new texts are placed, one after the other."""

    splits: dict[str, str]
    merged: dict[str, str] = field(default_factory=dict)

    def now(self, key: str) -> str:
        """What a cluster is called after it was merged into others."""
        while key in self.merged:
            key = self.merged[key]
        return key

    def place(self, own: str, neighbours: Iterable[str]) -> Place:
        """The cluster of a new text, `own` if it begins one. Merges the clusters that it connects."""
        keys = sorted({self.now(key) for key in neighbours})
        splits = {self.splits[key] for key in keys if key in self.splits}
        if len(splits) > 1:
            return Place(own, is_bridge=True)
        target = next((key for key in keys if key in self.splits), keys[0] if keys else own)
        self.merged.update({key: target for key in keys if key != target})
        return Place(target)


def lock_splits() -> None:
    """Nobody else changes clusters or splits of this organization until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [current_organization_id()])


def try_lock_splits() -> bool:
    """The same lock if nobody has it, without waiting; whether it is ours now."""
    with connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [current_organization_id()])
        return bool(cursor.fetchone()[0])


def place_examples(
    *, texts: Mapping[UUID, str], hashes: Mapping[UUID, str], kept: Mapping[UUID, str]
) -> dict[UUID, Place]:
    """The cluster of each example, in the caller's transaction, which holds `lock_splits`.

    texts, hashes: input and its hash by example; kept: the cluster of those that had one before their text changed,
    which goes on holding them. Other examples move when their clusters turn out to be one.
    """
    known = _places_of_same_input(set(hashes.values()), excluded=list(texts))
    first: dict[str, UUID] = {}  # the first example of each input that nobody had before
    for pk in sorted(texts):
        if hashes[pk] not in known:
            first.setdefault(hashes[pk], pk)
    around, placed = _place_new({pk: texts[pk] for pk in {*first.values(), *kept}}, hashes, kept)
    found = {pk: placed[pk] if pk in placed else known.get(hashes[pk]) or placed[first[hashes[pk]]] for pk in texts}
    return {pk: Place(around.now(place.cluster_key), place.is_bridge) for pk, place in found.items()}


def forget_bands(*, example_ids: Sequence[UUID]) -> None:
    """Before examples are deleted or get other texts: nothing resembles them any more."""
    ExampleBand.objects.filter(example_id__in=example_ids).delete()


def _places_of_same_input(hashes: Iterable[str], excluded: Sequence[UUID]) -> dict[str, Place]:
    rows = LearningExample.objects.filter(input_hash__in=hashes).exclude(pk__in=excluded).exclude(cluster_key="")
    found = rows.order_by("-id").values_list("input_hash", "cluster_key", "is_bridge")
    return {same: Place(key, bridge) for same, key, bridge in found}


def _place_new(
    texts: Mapping[UUID, str], hashes: Mapping[UUID, str], kept: Mapping[UUID, str]
) -> tuple[_Neighbourhood, dict[UUID, Place]]:
    """Where examples of new inputs belong, and what became of the clusters around them."""
    from learning.engines.duplicates import band_hashes  # numpy, which a process that serves pages has no use for

    order = sorted(texts)
    bands = band_hashes([texts[pk] for pk in order]).tolist()
    near = _near(order, texts, bands)
    clusters = _clusters_of({other for others in near.values() for other in others} - set(order))
    keys = {*clusters.values(), *kept.values(), *(hashes[pk] for pk in order)}
    around = _Neighbourhood(dict(SplitAssignment.objects.filter(key__in=keys).values_list("key", "split")))
    placed: dict[UUID, Place] = {}
    for pk in order:
        neighbours = [clusters[other] for other in near[pk] if other in clusters]
        neighbours += [placed[one].cluster_key for one in near[pk] if one in placed and not placed[one].is_bridge]
        neighbours += [kept[pk]] if pk in kept else []
        placed[pk] = around.place(hashes[pk], neighbours)
    _move_clusters(around)
    _remember_bands([(pk, row) for pk, row in zip(order, bands, strict=True) if not placed[pk].is_bridge])
    return around, placed


def _near(order: Sequence[UUID], texts: Mapping[UUID, str], bands: Sequence[Sequence[int]]) -> dict[UUID, set[UUID]]:
    """For each example those that were there before it and are near-duplicates."""
    candidates = _stored_candidates(order, bands)
    together: dict[int, list[UUID]] = defaultdict(list)
    for pk, row in zip(order, bands, strict=True):
        for value in row:
            candidates[pk].update(together[value][:PER_BAND])
            together[value].append(pk)
    missing = {other for others in candidates.values() for other in others} - set(texts)
    known = dict(LearningExample.objects.filter(pk__in=missing).values_list("pk", "input_text")) | dict(texts)
    return {
        pk: {other for other in others if other in known and are_near(texts[pk], known[other])}
        for pk, others in candidates.items()
    }


def _stored_candidates(order: Sequence[UUID], bands: Sequence[Sequence[int]]) -> dict[UUID, set[UUID]]:
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


def _clusters_of(examples: Iterable[UUID]) -> dict[UUID, str]:
    rows = LearningExample.objects.filter(pk__in=examples, is_bridge=False).exclude(cluster_key="")
    return dict(rows.values_list("pk", "cluster_key"))


def _move_clusters(around: _Neighbourhood) -> None:
    """Everybody in a merged cluster moves; of two representatives that of the cluster they move to stays."""
    into: dict[str, list[str]] = defaultdict(list)
    for key in around.merged:
        into[around.now(key)].append(key)
    for target, keys in into.items():
        moving = LearningExample.objects.filter(cluster_key__in=keys)
        chosen = LearningExample.objects.filter(cluster_key__in=[target, *keys], is_representative=True)
        keep = sorted(chosen.values_list("cluster_key", "pk"), key=lambda row: (row[0] != target, row))[:1]
        chosen.exclude(pk__in=[pk for _, pk in keep]).update(is_representative=False)
        moving.update(cluster_key=target)


def _remember_bands(rows: Sequence[tuple[UUID, Sequence[int]]]) -> None:
    values: dict[str, Any] = {
        "organization": current_organization_id(),
        "hashes": [value for _, row in rows for value in row],
        "examples": [pk for pk, row in rows for _ in row],
    }
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, values)
