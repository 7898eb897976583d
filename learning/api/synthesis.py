"""Asking for synthetic examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from learning.api.jobs import started
from learning.api.serializers.fields import ExternalId, StrictSerializer
from learning.api.serializers.jobs import StartedJobSerializer
from learning.services.agent_directory import find_agent
from learning.services.synthesis import MOST_CALLS, MOST_VARIANTS, start_synthesis
from learning.waking import wake_for_job
from organizations.api import OrganizationAPIView
from organizations.models import Role
from organizations.permissions import need


class SynthesisSerializer(StrictSerializer):
    agent_id = ExternalId(help_text="Whose approved examples are put in other words.")
    variants = serializers.IntegerField(min_value=1, max_value=MOST_VARIANTS, default=2, help_text="Of each example.")
    most_calls = serializers.IntegerField(
        min_value=1, max_value=MOST_CALLS, default=100, help_text="Calls of the language model, one for each variant."
    )


class SynthesisView(OrganizationAPIView):
    permissions = {"POST": need("manage", role=Role.MANAGER)}

    @extend_schema(
        operation_id="synthetic_examples_create",
        summary="Put approved examples of the train split in other words; a job",
        request=SynthesisSerializer,
        responses={202: StartedJobSerializer},
    )
    def post(self, request: Any) -> Response:
        given = SynthesisSerializer().run_validation(request.data)
        job = start_synthesis(agent=find_agent(name=given.pop("agent_id")), **given, user=request.auth.user)
        wake_for_job(job)
        return started(job)
