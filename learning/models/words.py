"""The words of examples, for searching."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from organizations.models import scoped_organization_id


class ExampleWords(models.Model):
    """The words of one prepared example, written when it is prepared and therefore redacted (docs/decisions/0014).

    No reference to the example, as ExampleBand has none: whoever deletes an example forgets its words
    (forget_words in services/example_words.py).
    """

    pk = models.CompositePrimaryKey("organization", "example_id")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        default=scoped_organization_id,
        db_index=False,
        related_name="+",
    )
    example_id = models.UUIDField()
    words = SearchVectorField()

    class Meta:
        verbose_name_plural = "words of examples"
        indexes = [GinIndex(fields=["organization", "words"], name="example_words_found")]
