"""GET, POST and PATCH of agents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.serializers.agents import AgentChangesSerializer, AgentSerializer, NewAgentSerializer
from learning.models import Agent
from learning.services.agent_directory import create_agent, find_agent, update_agent
from organizations.api import OrganizationViewSet
from organizations.permissions import need


@extend_schema_view(
    list=extend_schema(summary="Agents, the newest first", responses=AgentSerializer(many=True)),
    retrieve=extend_schema(summary="One agent", responses=AgentSerializer),
)
class AgentViewSet(OrganizationViewSet):
    """The agents of the organization. An agent is also registered by the first execution that names it."""

    model = Agent
    permissions = {
        "GET": need("read"),
        "POST": need("manage", role="manager"),
        "PATCH": need("manage", role="manager"),
    }
    serializer_class = AgentSerializer

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(AgentSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(AgentSerializer(find_agent(name=pk)).data)

    @extend_schema(summary="Register an agent", request=NewAgentSerializer, responses={201: AgentSerializer})
    def create(self, request: Any) -> Response:
        values = NewAgentSerializer().run_validation(request.data)
        agent = create_agent(external_id=values.pop("agent_id"), **values)
        return Response(AgentSerializer(agent).data, status=201)

    @extend_schema(summary="Change an agent", request=AgentChangesSerializer, responses=AgentSerializer)
    def partial_update(self, request: Any, pk: str) -> Response:
        values = AgentChangesSerializer().run_validation(request.data)
        return Response(AgentSerializer(update_agent(agent=find_agent(name=pk), **values)).data)
