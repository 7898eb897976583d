"""What a person decides about near-duplicates; and examples that are deleted for good."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from learning.models import DatasetExample, LearningExample
from learning.services.cluster_bands import forget_bands
from learning.services.clusters import lock_splits
from learning.services.example_words import forget_words
from organizations import audit
from organizations.errors import Conflict, Refused


def choose_representative(*, example: LearningExample) -> None:
    """This one stands for its near-duplicates where a dataset takes one of each cluster.

    Raises Refused for an example that was not prepared yet or is a bridge, which stands in no cluster.
    """
    with transaction.atomic():
        lock_splits()
        example.refresh_from_db()
        if not example.cluster_key or example.is_bridge:
            raise Refused("Only an example that was prepared and is no bridge can stand for its near-duplicates.")
        others = LearningExample.objects.filter(cluster_key=example.cluster_key, is_representative=True)
        before = [str(pk) for pk in others.exclude(pk=example.pk).values_list("pk", flat=True)]
        others.exclude(pk=example.pk).update(is_representative=False, updated_at=timezone.now())
        LearningExample.objects.filter(pk=example.pk).update(is_representative=True, updated_at=timezone.now())
        example.is_representative = True
        audit.record(action="example.chosen", target=example, before={"representative": before})


def release_representative(*, example: LearningExample) -> None:
    """Nobody stands for the cluster any more; a dataset takes the one it finds best."""
    LearningExample.objects.filter(pk=example.pk).update(is_representative=False, updated_at=timezone.now())
    example.is_representative = False
    audit.record(action="example.released", target=example, before={"representative": [str(example.pk)]})


def delete_examples(*, examples: Sequence[LearningExample]) -> None:
    """For good, with their reviews. Raises Conflict for one that stands in a published version, and ProtectedError
    for one that something else is built on."""
    ids = [example.pk for example in examples]
    if DatasetExample.objects.filter(example_id__in=ids).exists():
        raise Conflict("It stands in a published version, which never changes.")
    with transaction.atomic():
        lock_splits()
        for example in examples:
            audit.record(action="example.deleted", target=example, before={"type": example.example_type})
        forget_bands(example_ids=ids)
        LearningExample.objects.filter(pk__in=ids).delete()
        forget_words(example_ids=ids)
