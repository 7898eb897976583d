"""Deployments: put a config before users, widen it, take it back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from experiments.api import serializers as shapes
from experiments.models import Deployment
from experiments.services.deployments import deploy_config, promote_deployment, rollback_deployment
from learning.api.requests import read_query
from learning.models import AgentConfig
from learning.services.agent_directory import find_agent
from organizations.api import OrganizationViewSet
from organizations.errors import Missing
from organizations.models import Role
from organizations.permissions import need


@extend_schema_view(
    list=extend_schema(
        summary="Deployments, the newest first",
        parameters=[shapes.DeploymentFilterSerializer],
        responses=shapes.DeploymentSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One deployment", responses=shapes.DeploymentSerializer),
)
class DeploymentViewSet(OrganizationViewSet):
    model = Deployment
    permissions = {"GET": need("read"), "POST": need("manage", role=Role.ADMIN)}
    serializer_class = shapes.DeploymentSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent", "config")

    def list(self, request: Any) -> Response:
        given = read_query(shapes.DeploymentFilterSerializer, request)
        rows = self.get_queryset()
        if "agent_id" in given:
            rows = rows.filter(agent=find_agent(name=given["agent_id"]))
        if "status" in given:
            rows = rows.filter(status=given["status"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(shapes.DeploymentSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return self.shown(self.get_object())

    @extend_schema(
        summary="Serve a config to all users or a share of them",
        request=shapes.NewDeploymentSerializer,
        responses={201: shapes.DeploymentSerializer},
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewDeploymentSerializer().run_validation(request.data)
        agent = find_agent(name=values["agent_id"])
        config = AgentConfig.objects.filter(agent=agent, pk=values["config_id"]).first()
        if config is None:
            raise Missing(f"Agent {agent.external_id!r} has no config {values['config_id']}.", "config_id")
        deployment = deploy_config(agent=agent, config=config, share=values.get("share", 100))
        return self.shown(deployment, status=201)

    @extend_schema(
        summary="Change the share; everybody unless given",
        request=shapes.PromotionSerializer,
        responses=shapes.DeploymentSerializer,
    )
    def promote(self, request: Any, pk: str) -> Response:
        values = shapes.PromotionSerializer().run_validation(request.data)
        return self.shown(promote_deployment(deployment=self.get_object(), share=values.get("share", 100)))

    @extend_schema(
        summary="Return to the config before, at once",
        request=shapes.RollbackSerializer,
        responses=shapes.DeploymentSerializer,
    )
    def rollback(self, request: Any, pk: str) -> Response:
        values = shapes.RollbackSerializer().run_validation(request.data)
        return self.shown(rollback_deployment(deployment=self.get_object(), reason=values.get("reason", "")))

    def shown(self, deployment: Deployment, status: int = 200) -> Response:
        return Response(shapes.DeploymentSerializer(deployment).data, status=status)
