"""GET and POST of an agent's configs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from learning.api.serializers.configs import ConfigSerializer, NewConfigSerializer
from learning.services.agent_directory import find_agent
from learning.services.agents import write_config
from learning.waking import wake_for_gate
from organizations.api import OrganizationAPIView
from organizations.models import Role
from organizations.permissions import need

NEWEST = 100


class AgentConfigsView(OrganizationAPIView):
    """The versions of how an agent answers."""

    permissions = {"GET": need("read"), "POST": need("manage", role=Role.ADMIN)}

    @extend_schema(summary="Configs of an agent, the newest first (100 at most)", responses=ConfigSerializer(many=True))
    def get(self, request: Any, agent: str) -> Response:
        configs = find_agent(name=agent).configs.order_by("-number")[:NEWEST]
        return Response(ConfigSerializer(configs, many=True).data)

    @extend_schema(
        summary="Write a config: an agent's first is approved, a later one goes through the gate",
        request=NewConfigSerializer,
        responses={201: ConfigSerializer},
    )
    def post(self, request: Any, agent: str) -> Response:
        values = NewConfigSerializer().run_validation(request.data)
        config, report = write_config(agent=find_agent(name=agent), content=values["content"])
        if report is not None:
            wake_for_gate(report)
        return Response(ConfigSerializer(config).data, status=201)
