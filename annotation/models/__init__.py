"""The tables of review, by noun."""

from annotation.models.annotations import AnnotationDraft, AnnotationType, Decision, ExpertAnnotation
from annotation.models.queues import AnnotationQueue, Slot, SlotStatus

__all__ = [
    "AnnotationDraft", "AnnotationQueue", "AnnotationType", "Decision", "ExpertAnnotation", "Slot", "SlotStatus",
]  # fmt: skip
