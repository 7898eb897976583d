"""Which split a group is in: assigned once by its hash, and kept in every version of every dataset.

A group is named by a key: a cluster's own, or `group_key(...)` of a conversation, user or source. The database refuses
an item whose cluster or group is assigned to another split than the item's.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from learning.models import Split, SplitAssignment
from organizations.scope import current_organization_id

PARTS = 10_000
BATCH = 5_000
STORE = """
INSERT INTO learning_splitassignment (id, organization_id, created_at, updated_at, key, split)
SELECT gen_random_uuid(), %(organization)s, now(), now(), key, split
FROM unnest(%(keys)s::text[], %(splits)s::text[]) AS assigned(key, split)
"""


@dataclass(frozen=True)
class Shares:
    """Parts of 10,000; what is neither train nor validation is test."""

    train: int
    validation: int


@dataclass(frozen=True)
class Member:
    """An item to be placed: its cluster and its group, often the same. A synthetic item may only be trained on."""

    cluster: str
    group: str
    is_synthetic: bool = False


def group_key(kind: str, name: str) -> str:
    """The key of a conversation, user or source: at most 64 characters, whatever its name."""
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:48]}"


def split_of(key: str, shares: Shares) -> Split:
    """The split of a group that was never published, from its hash alone."""
    part = int.from_bytes(hashlib.sha256(f"split:{key}".encode()).digest()[:8]) % PARTS
    if part < shares.train:
        return Split.TRAIN
    return Split.VALIDATION if part < shares.train + shares.validation else Split.TEST


def assign_splits(*, members: Iterable[Member], shares: Shares) -> dict[str, Split]:
    """The split of every key among the members, new ones stored; the caller holds `clusters.lock_splits`.

    Keys that members connect share a split. Where splits that were assigned before differ, each key keeps its own, and
    the members between them are left out: those whose cluster and group are in two splits.
    """
    neighbours, real = _graph(members)
    assigned = _assigned(neighbours)
    new: dict[str, Split] = {}
    for component in _components(neighbours):
        new |= _spread(component, neighbours, assigned, shares, real)
    _store(new)
    return assigned | new


def assign_alone(*, clusters: Iterable[tuple[str, bool]], shares: Shares) -> None:
    """Store the splits of clusters that have none and that no group connects with others.

    clusters: the key, and whether all of it is synthetic. The caller holds `clusters.lock_splits`.
    """
    _store({key: Split.TRAIN if is_synthetic else split_of(key, shares) for key, is_synthetic in clusters})


def _store(splits: Mapping[str, Split]) -> None:
    keys = sorted(splits)
    for start in range(0, len(keys), BATCH):
        names = keys[start : start + BATCH]
        values: dict[str, Any] = {
            "organization": current_organization_id(),
            "keys": names,
            "splits": [splits[key] for key in names],
        }
        with connection.cursor() as cursor:
            cursor.execute(STORE, values)


def _graph(members: Iterable[Member]) -> tuple[dict[str, set[str]], set[str]]:
    """Which keys an item connects, and the keys that hold an item which is not synthetic."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    real = set()
    for member in members:
        neighbours[member.cluster].add(member.group)
        neighbours[member.group].add(member.cluster)
        if not member.is_synthetic:
            real |= {member.cluster, member.group}
    return neighbours, real


def _assigned(keys: Iterable[str]) -> dict[str, Split]:
    wanted, found = sorted(keys), {}
    for start in range(0, len(wanted), BATCH):
        rows = SplitAssignment.objects.filter(key__in=wanted[start : start + BATCH]).values_list("key", "split")
        found.update({key: Split(split) for key, split in rows})
    return found


def _components(neighbours: Mapping[str, set[str]]) -> Iterable[list[str]]:
    """The keys that are connected, sorted; the components in the order of their first keys."""
    seen: set[str] = set()
    for first in sorted(neighbours):
        if first in seen:
            continue
        component, reached = [], [first]
        seen.add(first)
        while reached:
            key = reached.pop()
            component.append(key)
            new = neighbours[key] - seen
            seen |= new
            reached += new
        yield sorted(component)


def _spread(
    component: Sequence[str],
    neighbours: Mapping[str, set[str]],
    assigned: Mapping[str, Split],
    shares: Shares,
    real: set[str],
) -> dict[str, Split]:
    """The splits of the keys of a component that have none: that of the nearest key that has one."""
    reached = [key for key in component if key in assigned]
    new: dict[str, Split] = {}
    if not reached:
        first = component[0]
        new[first] = split_of(first, shares) if not real.isdisjoint(component) else Split.TRAIN
        reached = [first]
    for key in reached:  # breadth first: the list grows while it is walked
        for other in sorted(neighbours[key]):
            if other not in assigned and other not in new:
                new[other] = assigned.get(key) or new[key]
                reached.append(other)
    return new
