"""What reviewers are asked beyond their decision."""

from __future__ import annotations

from typing import Any

from django.db import models

from organizations.constraints import between
from organizations.models import OrganizationModel


class QuestionKind(models.TextChoices):
    YES_NO = "yes_no", "Yes or no"
    CHOICE = "choice", "One of several"
    MULTIPLE = "multiple", "Some of several"
    SCALE = "scale", "A whole number on a scale"
    TEXT = "text", "Free text"


class Rubric(OrganizationModel):
    """One version of the questions of a rubric; it never changes once a review has answered it.

    questions: [{"key", "label", "kind", "required", "options": [text] or "lowest" and "highest", "help"}].
    """

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)
    questions: Any = models.JSONField(default=list)

    class Meta:
        verbose_name = "rubric"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name", "version"], name="rubric_version_once"),
            between("version", 1),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
