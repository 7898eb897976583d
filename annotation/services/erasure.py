"""What reviewers said and did about the examples of a person who is forgotten."""

from __future__ import annotations

from annotation.models import AnnotationDraft, ExpertAnnotation, GoldItem, ItemFlag, Slot
from organizations.erasers import Person


def forget_reviews(person: Person, *, dry_run: bool = False) -> dict[str, int]:
    """Fits organizations.erasers.Eraser: reviews, drafts, gold items, flags and slots of the person's examples."""
    examples = {"example_id__in": person.example_ids}
    rows = {
        "flags": ItemFlag.objects.filter(slot__in=Slot.objects.filter(**examples)),
        "gold items": GoldItem.objects.filter(**examples),
        "drafts": AnnotationDraft.objects.filter(**examples),
        "annotations": ExpertAnnotation.objects.filter(**examples),
        "review slots": Slot.objects.filter(**examples),
    }
    return {name: found.count() if dry_run else found.delete()[0] for name, found in rows.items()}
