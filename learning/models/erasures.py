"""What remains of the erasure of a person: that it was done, what has to be made anew, what may not come again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from organizations.models import OrganizationModel, scoped_organization_id


class ErasureReceipt(OrganizationModel):
    """One person was forgotten. Rows are added and never changed.

    `subject` is a keyed hash of the pseudonym (services/erasure.py): whoever knows the pseudonym can ask whether it was
    erased, and nobody can tell it from the hash. counts: {what: rows}; versions: [{"dataset", "dataset_id",
    "number", "items", "replaced_by"}]; retrain: [{"agent", "config", "config_id", "serves", "quoted"}].
    """

    job_id = models.UUIDField()
    subject = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    counts: Any = models.JSONField(default=dict)
    versions: Any = models.JSONField(default=list)
    retrain: Any = models.JSONField(default=list)

    class Meta:
        verbose_name = "erasure receipt"
        constraints = [models.UniqueConstraint(fields=["organization", "job_id"], name="erasure_receipt_once")]
        indexes = [models.Index(fields=["organization", "subject", "-id"], name="erasure_of_subject")]

    @property
    def counted(self) -> dict[str, int]:
        """The rows of each kind, as far as they are numbers."""
        told = self.counts if isinstance(self.counts, dict) else {}
        return {name: number for name, number in told.items() if isinstance(number, int)}


class ErasedRow(models.Model):
    """A row of an import that was erased with the person whose it was: the same row is refused when it comes again.

    `digest` is a keyed hash of what the row said (services/erased_imports.py): whoever has the row can ask for it, and
    nobody can tell it from the hash. Rows are added and never changed.
    """

    pk = models.CompositePrimaryKey("organization", "digest")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        default=scoped_organization_id,
        db_index=False,
        related_name="+",
    )
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = "erased row"
