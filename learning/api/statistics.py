"""What feedback amounts to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers.statistics import (
    AnalyticsSerializer,
    FeedbackStatisticsSerializer,
    IssuesSerializer,
    SpanSerializer,
)
from learning.models import Agent
from learning.services.agent_directory import find_agent
from learning.services.statistics import count_issues, summarize_days, summarize_feedback
from organizations.api import OrganizationAPIView
from organizations.errors import Refused
from organizations.permissions import need

MAX_BUCKETS = 366


class SpanView(OrganizationAPIView):
    """The agent comes in the address or as ?agent_id=; without one the numbers are of all agents."""

    permissions = {"GET": need("read")}

    def read_span(self, agent: str | None) -> tuple[Agent | None, dict[str, Any]]:
        """The agent, and what each answer repeats: the agent's name and the days."""
        given = read_query(SpanSerializer, self.request)
        name = agent or given.get("agent_id")
        found = find_agent(name=name) if name else None
        return found, {"agent_id": found.external_id if found else None, "days": given["days"]}


class FeedbackStatisticsView(SpanView):
    @extend_schema(
        summary="Ratings and satisfaction", parameters=[SpanSerializer], responses=FeedbackStatisticsSerializer
    )
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, span = self.read_span(agent)
        numbers = summarize_feedback(agent=found, days=span["days"])
        return Response(FeedbackStatisticsSerializer(vars(numbers) | span).data)


@extend_schema_view(get=extend_schema(operation_id="learning_feedback_stats_of_agent"))
class AgentStatisticsView(FeedbackStatisticsView):
    """The same, with the agent in the address."""


class FeedbackIssuesView(SpanView):
    @extend_schema(summary="What users complain about", parameters=[SpanSerializer], responses=IssuesSerializer)
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, span = self.read_span(agent)
        return Response(IssuesSerializer(span | {"issues": count_issues(agent=found, days=span["days"])}).data)


@extend_schema_view(get=extend_schema(operation_id="learning_feedback_issues_of_agent"))
class AgentIssuesView(FeedbackIssuesView):
    """The same, with the agent in the address."""


class FeedbackAnalyticsView(SpanView):
    @extend_schema(summary="Feedback by day", parameters=[SpanSerializer], responses=AnalyticsSerializer)
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, span = self.read_span(agent)
        if span["days"] > MAX_BUCKETS:
            raise Refused(f"Ask for at most {MAX_BUCKETS} days by day.", "days")
        return Response(AnalyticsSerializer(span | {"buckets": summarize_days(agent=found, days=span["days"])}).data)
