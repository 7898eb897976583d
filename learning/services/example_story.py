"""What the page of one example tells: where it came from, what it resembles, what was built on it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from learning.models import DatasetExample, DatasetVersion, LearningExample, SplitAssignment
from organizations.actors import Actor
from organizations.models import AuditEvent, Role

MOST_SHOWN = 50


@dataclass(frozen=True)
class Standing:
    """A dataset version that the example stands in. `split`: None for whoever may not know."""

    version: DatasetVersion
    weight: float
    split: str | None


@dataclass(frozen=True)
class ExampleStory:
    """`alike`: how many share its cluster, itself included. `split`: of its cluster, None for whoever may not know."""

    example: LearningExample
    alike: int
    standings: list[Standing]
    history: list[AuditEvent]
    split: str | None


def find_example(example_id: UUID) -> LearningExample | None:
    rows = LearningExample.objects.select_related("agent", "source_execution", "source_feedback")
    return rows.filter(pk=example_id).first()


def story_of(example: LearningExample, *, actor: Actor) -> ExampleStory:
    """Four queries. Which examples are in the sealed test split is for administrators alone."""
    standing = DatasetExample.objects.filter(example=example).select_related("version__dataset").order_by("-id")
    told = may_know_splits(actor)
    return ExampleStory(
        example=example,
        alike=count_alike(example),
        standings=[
            Standing(item.version, item.weight, item.get_split_display() if told else None)
            for item in standing[:MOST_SHOWN]
        ],
        history=history_of(example),
        split=split_of_cluster(example.cluster_key) if told else None,
    )


def may_know_splits(actor: Actor) -> bool:
    """To name the train split alone would tell what is sealed, so nothing is named to others."""
    return actor.allows(Role.ADMIN)


def count_alike(example: LearningExample) -> int:
    if not example.cluster_key or example.is_bridge:
        return 1
    return LearningExample.objects.filter(cluster_key=example.cluster_key, is_bridge=False).count()


def split_of_cluster(key: str) -> str:
    """The split of a cluster in words; empty before anything of it was published."""
    assigned = SplitAssignment.objects.filter(key=key).first() if key else None
    return assigned.get_split_display() if assigned else ""


def history_of(example: LearningExample) -> list[AuditEvent]:
    """What happened to it, the newest first."""
    events = AuditEvent.objects.filter(target_type="learningexample", target_id=str(example.pk))
    return list(events.order_by("-id")[:MOST_SHOWN])
