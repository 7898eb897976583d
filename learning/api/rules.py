"""Rules that make examples of feedback and executions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.jobs import started
from learning.api.requests import read_query
from learning.api.serializers import rules as shapes
from learning.api.serializers.jobs import StartedJobSerializer
from learning.models import ExampleRule
from learning.services import example_rules
from learning.services.agent_directory import find_agent
from learning.services.rule_jobs import apply_to_past
from learning.services.rule_preview import preview_rule
from learning.waking import wake_for_job
from organizations.api import OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need

MANAGER = need("manage", role=Role.MANAGER)


@extend_schema_view(
    list=extend_schema(summary="Rules, the newest first", responses=shapes.RuleSerializer(many=True)),
    retrieve=extend_schema(summary="One rule", responses=shapes.RuleSerializer),
)
class RuleViewSet(OrganizationViewSet):
    model = ExampleRule
    permissions = {"GET": need("read", role=Role.MANAGER), "POST": MANAGER, "PATCH": MANAGER}
    serializer_class = shapes.RuleSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(shapes.RuleSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(shapes.RuleSerializer(self.get_object()).data)

    @extend_schema(
        summary="A new rule; it is off unless `active` says otherwise",
        request=shapes.NewRuleSerializer,
        responses={201: shapes.RuleSerializer},
    )
    def create(self, request: Any) -> Response:
        values, active = self.read(shapes.NewRuleSerializer())
        rule = example_rules.create_rule(**{"conditions": {}} | values, user=request.auth.user)
        if active:
            rule = example_rules.switch_rule(rule=rule, active=True)
        return Response(shapes.RuleSerializer(rule).data, status=201)

    @extend_schema(
        summary="Change a rule, or switch it on or off",
        request=shapes.RuleValuesSerializer,
        responses=shapes.RuleSerializer,
    )
    def partial_update(self, request: Any, pk: str) -> Response:
        rule = self.get_object()
        values, active = self.read(shapes.RuleValuesSerializer())
        if values:
            rule = example_rules.change_rule(rule=rule, **values)
        if active is not None:
            rule = example_rules.switch_rule(rule=rule, active=active)
        return Response(shapes.RuleSerializer(rule).data)

    @extend_schema(
        summary="Add the usual rules that are not there yet, switched off",
        request=None,
        responses={201: shapes.AddedRulesSerializer},
    )
    def standard(self, request: Any) -> Response:
        made = example_rules.add_standard_rules(user=request.auth.user)
        return Response(shapes.AddedRulesSerializer({"rules": made}).data, status=201)

    @extend_schema(
        summary="What the rule would have made; nothing is written",
        parameters=[shapes.DaysSerializer],
        responses=shapes.RulePreviewSerializer,
    )
    def preview(self, request: Any, pk: str) -> Response:
        preview = preview_rule(rule=self.get_object(), **read_query(shapes.DaysSerializer, request))
        (line,) = preview.lines
        shown = {name: getattr(preview, name) for name in ("days", "looked_at", "is_whole")}
        shown |= {name: getattr(line, name) for name in ("made", "taken_before", "samples")}
        return Response(shapes.RulePreviewSerializer(shown | {"example_type": line.rule.example_type}).data)

    @extend_schema(
        summary="Make the examples that the rule would have made in the last days; a job",
        request=shapes.DaysSerializer,
        responses={202: StartedJobSerializer},
    )
    def apply(self, request: Any, pk: str) -> Response:
        given = shapes.DaysSerializer().run_validation(request.data)
        job = apply_to_past(rule=self.get_object(), days=given["days"], user=request.auth.user)
        wake_for_job(job)
        return started(job)

    def read(self, serializer: Any) -> tuple[dict[str, Any], bool | None]:
        """The values for the service, and whether to switch on or off. A null for the agent means every agent."""
        values = serializer.run_validation(self.request.data)
        if "agent_id" in self.request.data:
            name = values.pop("agent_id", None)
            values["agent"] = find_agent(name=name) if name else None
        return values, values.pop("active", None)
