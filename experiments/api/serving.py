"""What an application asks on every request of its users: the config to use, or the rules to find it by itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from experiments.api import serializers as shapes
from experiments.services.assignment import config_for_user, find_agent_to_serve
from experiments.services.ruleset import build_ruleset
from learning.api.requests import read_query
from organizations.api import OrganizationAPIView
from organizations.conditional import IF_NONE_MATCH, unless_known
from organizations.errors import Refused
from organizations.permissions import need, satisfies


class AgentConfigView(OrganizationAPIView):
    """The config for one user of an agent."""

    permissions = {"GET": need("read")}

    @extend_schema(
        summary="The config to use for a user",
        parameters=[shapes.ConfigQuerySerializer, IF_NONE_MATCH],
        responses={200: shapes.ServedConfigSerializer, 304: None},
    )
    def get(self, request: Any, agent: str) -> Response:
        query = read_query(shapes.ConfigQuerySerializer, request)
        row = find_agent_to_serve(agent)
        served = config_for_user(
            agent=row,
            user_id=query.get("user_id", ""),
            session_id=query.get("session_id", ""),
            execution_id=query.get("execution_id", ""),
            expose=query.get("expose", False),
            looks_only=request.method != "GET",  # HEAD asks, it does not use
        )
        answer = {
            "agent_id": row.external_id,
            "config_id": served.config.pk,
            "config_number": served.config.number,
            "content": served.config.content,
            "variant": served.variant,
            "experiment_id": served.experiment.pk if served.experiment else None,
            "unit_id": served.unit,
            "propensity": served.propensity,
            "forced": served.forced,
            "deployment_id": served.deployment.pk if served.deployment else None,
        }
        return unless_known(request, answer)


class RulesetView(OrganizationAPIView):
    """Everything that decides which config a unit gets (docs/assignment.md).

    A key that may not read stands in a page: it gets the rules of the agent that it names, without what configs say.
    """

    permissions = {"GET": need("assign")}

    @extend_schema(
        summary="The rules to assign users by yourself",
        parameters=[shapes.RulesetQuerySerializer, IF_NONE_MATCH],
        responses={200: shapes.RulesetSerializer, 304: None},
    )
    def get(self, request: Any) -> Response:
        agent = read_query(shapes.RulesetQuerySerializer, request).get("agent_id", "")
        may_read = satisfies(request.auth, need("read"))
        if not (may_read or agent):
            raise Refused("Name the agent_id whose rules you want; this key may not read everything.", "agent_id")
        rules, fingerprint = build_ruleset(agent=agent, contents=may_read)
        return unless_known(request, rules, fingerprint)
