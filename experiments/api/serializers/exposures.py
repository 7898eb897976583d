"""What a reported exposure looks like."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import ExternalId, PastTime, StrictSerializer
from learning.services.intake import MAX_BATCH


class NewExposureSerializer(StrictSerializer):
    experiment_id = serializers.UUIDField()
    unit_id = ExternalId(help_text="The user, session or execution, whichever the experiment assigns.")
    variant = serializers.CharField(max_length=50, help_text="What the unit was given.")
    exposed_at = PastTime(required=False, allow_null=True, help_text="Left out: now.")


class ExposureBatchSerializer(serializers.Serializer[Any]):
    """For the schema: the items are validated one by one."""

    items = serializers.ListField(child=NewExposureSerializer(), min_length=1, max_length=MAX_BATCH)
