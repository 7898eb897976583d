"""The tables of review, by noun."""

from annotation.models.annotations import AnnotationDraft, AnnotationType, Decision, ExpertAnnotation, Preferred
from annotation.models.attention import FlagReason, FlagStatus, GoldItem, ItemFlag
from annotation.models.queues import AfterReject, AnnotationQueue, QueueSeat, SkipPolicy
from annotation.models.rubrics import QuestionKind, Rubric
from annotation.models.slots import Slot, SlotKind, SlotStatus

__all__ = [
    "AfterReject", "AnnotationDraft", "AnnotationQueue", "AnnotationType", "Decision", "ExpertAnnotation", "FlagReason",
    "FlagStatus", "GoldItem", "ItemFlag", "Preferred", "QuestionKind", "QueueSeat", "Rubric", "SkipPolicy", "Slot",
    "SlotKind", "SlotStatus",
]  # fmt: skip
