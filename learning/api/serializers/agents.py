"""Agents as they are registered and shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from learning.api.serializers.fields import ExternalId, StrictSerializer, Text


class AgentChangesSerializer(StrictSerializer):
    name = Text(max_length=200, allow_blank=False, required=False)
    type = Text(max_length=50, required=False)
    domain = Text(max_length=100, required=False)
    description = Text(required=False)
    task_types = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, required=False)


class NewAgentSerializer(AgentChangesSerializer):
    agent_id = ExternalId(help_text="Your own name for the agent.")


class AgentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agent_id = serializers.CharField(source="external_id")
    name = serializers.CharField()
    type = serializers.CharField()
    domain = serializers.CharField()
    description = serializers.CharField()
    task_types = serializers.ListField(child=serializers.CharField())
    serving_config_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
