"""Erasures as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import StrictSerializer
from learning.models import JobStatus
from learning.services.erasure import LONGEST


class NewErasureSerializer(StrictSerializer):
    user = serializers.CharField(max_length=LONGEST, trim_whitespace=False, help_text="The pseudonym, as it was sent.")
    dry_run = serializers.BooleanField(required=False, default=False)


class ErasedVersionSerializer(serializers.Serializer[Any]):
    dataset = serializers.CharField()
    dataset_id = serializers.UUIDField()
    number = serializers.IntegerField()
    items = serializers.IntegerField(required=False, help_text="Items that were the person's.")
    replaced_by = serializers.IntegerField(
        required=False, allow_null=True, help_text="The version of the same dataset to use now; null when none is left."
    )


class RetrainSerializer(serializers.Serializer[Any]):
    """A config that learned from the person and should be made anew."""

    agent = serializers.CharField()
    config = serializers.IntegerField()
    config_id = serializers.UUIDField()
    serves = serializers.BooleanField()
    quoted = serializers.BooleanField(help_text="It quoted the person: its text was changed.")


class _ErasureSerializer(serializers.Serializer[Any]):
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by what they are.")
    versions = ErasedVersionSerializer(many=True)
    retrain = RetrainSerializer(many=True)


class ErasurePreviewSerializer(_ErasureSerializer):
    explained = serializers.DictField(
        child=serializers.CharField(), help_text="What the names among the counts mean that do not explain themselves."
    )
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What it does to the whole organization: imports stop, all uploaded files go.",
    )


class ErasureReceiptSerializer(_ErasureSerializer):
    counts = serializers.DictField(
        source="counted", child=serializers.IntegerField(), help_text="Rows by what they are."
    )
    id = serializers.UUIDField()
    job_id = serializers.UUIDField()
    subject = serializers.CharField(help_text="A keyed hash of the pseudonym.")
    requested_by = serializers.CharField(source="actor_label")
    created_at = serializers.DateTimeField()


class ErasureRequestedSerializer(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    receipts = serializers.CharField(help_text="Where the receipt appears when the job is done.")
