"""What texts are like, in numbers, computed once."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from organizations.models import scoped_organization_id


class TextNumbers(models.Model):
    """The numbers of one source's texts: of an execution or an example, or of the correction in a piece of feedback.

    numbers: by the function `version` (services/text_numbers.py says in which order); nan where there is none. case:
    what belongs together, a hash of the question. No reference, since sources stand in several tables: triggers forget
    the numbers when a text changes or goes.
    """

    pk = models.CompositePrimaryKey("organization", "source_id")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        default=scoped_organization_id,
        db_index=False,
        related_name="+",
    )
    source_id = models.UUIDField()
    version = models.PositiveSmallIntegerField()
    numbers = ArrayField(models.FloatField())
    case = models.CharField(max_length=32, blank=True, db_default="")

    class Meta:
        verbose_name = "numbers of texts"
        verbose_name_plural = "numbers of texts"
