"""Near-duplicates: which examples belong together, kept up to date as they come.

Clusters are the connected components of "is a near-duplicate of" (single linkage), so that no pair of near-duplicates
lies in two clusters and therefore in two splits. Where an example connects clusters whose splits were assigned
already and differ, it is a bridge: it joins neither, and no dataset takes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from learning.engines.similarity import are_near
from learning.models import LearningExample, SplitAssignment
from learning.services.cluster_bands import PER_BAND, published_near, remember_bands, stored_candidates
from organizations.scope import current_organization_id

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.splits:' || %s::text, 0))"
TRY_LOCK = LOCK.replace("_advisory_", "_try_advisory_")


@dataclass(frozen=True)
class Place:
    """Where an example belongs: its cluster, and whether it resembles examples of different splits."""

    cluster_key: str
    is_bridge: bool = False


NOWHERE = Place("")


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
    if not texts:
        return {}
    known = _places_of_same_input(set(hashes.values()), excluded=list(texts))
    first: dict[str, UUID] = {}  # the first example of each input that nobody had before
    for pk in sorted(texts):
        if hashes[pk] not in known:
            first.setdefault(hashes[pk], pk)
    around, placed = _place_new({pk: texts[pk] for pk in {*first.values(), *kept}}, hashes, kept)
    found = {pk: placed[pk] if pk in placed else known.get(hashes[pk]) or placed[first[hashes[pk]]] for pk in texts}
    return {pk: Place(around.now(place.cluster_key), place.is_bridge) for pk, place in found.items()}


def dissolve_cluster(*, key: str) -> bool:
    """Let each example of a cluster be prepared again and find a place of its own; whether that was possible.

    A cluster that was published stays as it is: its texts are in one split and may not come into another.
    """
    if SplitAssignment.objects.filter(key=key).exists():
        return False
    members = LearningExample.objects.filter(cluster_key=key)
    members.update(cluster_key="", is_bridge=False, is_representative=False, prepared_version=0)
    return True


def _places_of_same_input(hashes: Iterable[str], excluded: Sequence[UUID]) -> dict[str, Place]:
    # One that waits may have another text by now, and takes the bands of this input with it.
    rows = LearningExample.objects.filter(input_hash__in=hashes, prepared_version__gt=0).exclude(pk__in=excluded)
    found = rows.exclude(cluster_key="").order_by("-id").values_list("input_hash", "cluster_key", "is_bridge")
    return {same: Place(key, bridge) for same, key, bridge in found}


def _place_new(
    texts: Mapping[UUID, str], hashes: Mapping[UUID, str], kept: Mapping[UUID, str]
) -> tuple[_Neighbourhood, dict[UUID, Place]]:
    """Where examples of new inputs belong, and what became of the clusters around them."""
    from learning.engines.duplicates import band_hashes  # numpy, which a process that serves pages has no use for

    order = sorted(texts)
    bands = band_hashes([texts[pk] for pk in order]).tolist()
    candidates = _candidates(order, bands)
    near, published = _near(candidates, texts), published_near(texts, candidates)
    clusters = _clusters_of({other for others in near.values() for other in others} - set(order))
    keys = {*clusters.values(), *kept.values(), *(hashes[pk] for pk in order)}.union(*published.values())
    around = _Neighbourhood(dict(SplitAssignment.objects.filter(key__in=keys).values_list("key", "split")))
    placed: dict[UUID, Place] = {}
    for pk in order:
        neighbours = [clusters[other] for other in near[pk] if other in clusters]
        neighbours += [placed[one].cluster_key for one in near[pk] if one in placed and not placed[one].is_bridge]
        neighbours += [*published[pk], *([kept[pk]] if pk in kept else [])]
        placed[pk] = around.place(hashes[pk], neighbours)
    _move_clusters(around)
    remember_bands([(pk, row) for pk, row in zip(order, bands, strict=True) if not placed[pk].is_bridge])
    return around, placed


def _candidates(order: Sequence[UUID], bands: Sequence[Sequence[int]]) -> dict[UUID, set[UUID]]:
    """For each example those that share a band, stored ones and those before it in this batch."""
    candidates = stored_candidates(order, bands)
    together: dict[int, list[UUID]] = defaultdict(list)
    for pk, row in zip(order, bands, strict=True):
        for value in row:
            candidates[pk].update(together[value][:PER_BAND])
            together[value].append(pk)
    return candidates


def _near(candidates: Mapping[UUID, set[UUID]], texts: Mapping[UUID, str]) -> dict[UUID, set[UUID]]:
    """For each example those that were there before it and are near-duplicates."""
    missing = {other for others in candidates.values() for other in others} - set(texts)
    rows = LearningExample.objects.filter(pk__in=missing)
    stored = list(rows.values_list("pk", "input_text", "input_hash", "prepared_version"))
    known = {pk: text for pk, text, _, _ in stored}
    waiting = {pk: same for pk, _, same, version in stored if same and not version}
    instead = _prepared_with(set(waiting.values())) if waiting else {}
    known |= dict(instead.values()) | dict(texts)
    found: dict[UUID, set[UUID]] = {}
    for pk, others in candidates.items():
        also = {instead[waiting[one]][0] for one in others if one in waiting and waiting[one] in instead}
        found[pk] = {one for one in (others | also) - {pk} if one in known and are_near(texts[pk], known[one])}
    return found


def _prepared_with(hashes: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    """An example of each input that has it still; those that had the bands of the input may have changed."""
    rows = LearningExample.objects.filter(input_hash__in=hashes, prepared_version__gt=0, is_bridge=False)
    found = rows.exclude(cluster_key="").order_by("-id").values_list("input_hash", "pk", "input_text")
    return {same: (pk, text) for same, pk, text in found}


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
