"""Near-duplicates for people: the largest clusters, and the members of one side by side. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count

from learning.engines.similarity import grams, similarity
from learning.models import LearningExample
from organizations.scope import current_organization_id

LARGEST = 100
GOOD_FOR = 60  # seconds
MEMBERS = 100


@dataclass(frozen=True)
class Cluster:
    """A cluster in the list, with one of its inputs."""

    key: str
    members: int
    shown: LearningExample


@dataclass(frozen=True)
class Member:
    """An example of a cluster; `similarity` to the first one shown, 0-1."""

    example: LearningExample
    similarity: float


def largest_clusters() -> list[Cluster]:
    """The largest first, at most LARGEST, with sizes as they were within the last GOOD_FOR."""
    sizes = _sizes()
    rows = LearningExample.objects.filter(cluster_key__in=sizes, is_bridge=False).select_related("agent")
    first = rows.order_by("cluster_key", "-is_representative", "id").distinct("cluster_key")
    shown = {example.cluster_key: example for example in first} if sizes else {}
    return [Cluster(key, count, shown[key]) for key, count in sizes.items() if key in shown]


def _sizes() -> dict[str, int]:
    """Members by key, the largest first. Looks at every key of the index once in GOOD_FOR, not at each view.

    A bridge has a key of its own, which counts among the others only where their inputs are the same.
    """
    name = f"cluster-sizes:{current_organization_id()}"
    known: dict[str, int] | None = cache.get(name)
    if known is None:
        rows = LearningExample.objects.filter(cluster_key__gt="").values_list("cluster_key").annotate(n=Count("*"))
        known = dict(rows.filter(n__gt=1).order_by("-n", "cluster_key")[:LARGEST])
        cache.set(name, known, GOOD_FOR)
    return known


def count_bridges() -> int:
    """Examples that resemble others of different splits, counted up to 1,000."""
    return LearningExample.objects.filter(is_bridge=True)[:1000].count()


def members_of(key: str) -> list[Member]:
    """The representative first, or else the oldest; the others by how much they resemble it. At most MEMBERS."""
    rows = LearningExample.objects.filter(cluster_key=key, is_bridge=False).select_related("agent")
    examples = list(rows.order_by("-is_representative", "id")[:MEMBERS])
    if not examples:
        return []
    first, *others = examples
    own = grams(first.input_text)
    told = [Member(one, similarity(own, grams(one.input_text))) for one in others]
    return [Member(first, 1.0), *sorted(told, key=lambda member: -member.similarity)]
