"""What agents looked up."""

from __future__ import annotations

from typing import Any

from django.db import models

from learning.models.executions import Execution
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class RetrievalEvent(OrganizationModel):
    """One query of an execution and the documents that it retrieved: [{"id", "rank" from 1, "score" or null}, ...].

    A document without an id of its own is called by the SHA-256 of its text. `external_id` is the application's name of
    the event; the same one comes only once.
    """

    execution = TenantForeignKey(Execution, on_delete=models.CASCADE, related_name="retrievals")
    external_id = models.CharField(max_length=200)
    query = models.TextField(blank=True)
    documents: Any = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "external_id"], name="retrieval_event_external_id_once")
        ]
