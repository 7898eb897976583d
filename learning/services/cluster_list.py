"""Near-duplicates for people: the largest clusters, and the members of one side by side. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from learning.engines.similarity import grams, similarity
from learning.models import LearningExample

LARGEST = 100
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
    """The largest first, at most LARGEST; one query over the index of cluster keys and one for the texts."""
    rows = LearningExample.objects.filter(is_bridge=False).exclude(cluster_key="")
    sizes = rows.values_list("cluster_key").annotate(n=Count("pk")).filter(n__gt=1).order_by("-n", "cluster_key")
    found = dict(sizes[:LARGEST])
    first = rows.filter(cluster_key__in=found).order_by("cluster_key", "-is_representative", "id")
    shown = first.distinct("cluster_key").select_related("agent").in_bulk(field_name="pk") if found else {}
    by_key = {example.cluster_key: example for example in shown.values()}
    return [Cluster(key, count, by_key[key]) for key, count in found.items() if key in by_key]


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
