"""Long work as it is shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.models import JobKind, JobStatus
from learning.services.job_list import named_problems


class JobFilterSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=JobKind.choices, required=False)
    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)


class ListedJobSerializer(serializers.Serializer[Any]):
    """Without its result, which may be long: ask for the job itself."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=JobKind.choices)
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True, help_text="null until it was counted.")
    failure_reason = serializers.CharField()
    cancel_requested = serializers.BooleanField()
    attempt = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobSerializer(ListedJobSerializer):
    result = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What was done so far; its keys depend on the kind. `problems` lists what was refused: of an import "
        "by `file` (in an archive, or empty), `line` (of what `unit` says), `field` (empty: the row) and `reason`; of "
        "an action on many examples, and of its undoing, by `example` and `reason`; "
        "of demonstrations of recorded executions by `execution` and `reason`.",
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        if "problems" in shown["result"]:
            shown["result"]["problems"] = named_problems(shown["result"]["problems"])
        return shown


class StartedJobSerializer(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    total = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(help_text="Ask here how far it is.")
