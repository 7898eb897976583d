"""What feedback amounts to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers.statistics import (
    AnalyticsSerializer,
    BucketsSerializer,
    FeedbackStatisticsSerializer,
    IssuesSerializer,
    SpanSerializer,
)
from learning.models import Agent
from learning.services.agent_directory import find_agent
from learning.services.statistics import compare, count_issues, summarize_buckets, summarize_feedback
from organizations.api import OrganizationAPIView
from organizations.permissions import need


class SpanView(OrganizationAPIView):
    """The agent comes in the address or as ?agent_id=; without one the numbers are of all agents."""

    permissions = {"GET": need("read")}
    query: type[SpanSerializer] = SpanSerializer

    def read_span(self, agent: str | None) -> tuple[Agent | None, dict[str, Any]]:
        """The agent, and what was asked for with the agent's own name."""
        given = read_query(self.query, self.request)
        name = agent or given.get("agent_id")
        found = find_agent(name=name) if name else None
        return found, given | {"agent_id": found.external_id if found else None}


class FeedbackStatisticsView(SpanView):
    @extend_schema(
        summary="Ratings and satisfaction", parameters=[SpanSerializer], responses=FeedbackStatisticsSerializer
    )
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, given = self.read_span(agent)
        numbers = summarize_feedback(agent=found, span=given["span"])
        before = summarize_feedback(agent=found, span=given["span"].before())
        answer = vars(numbers) | given | {"previous": before, "change": compare(numbers, before)}
        return Response(FeedbackStatisticsSerializer(answer).data)


@extend_schema_view(get=extend_schema(operation_id="learning_feedback_stats_of_agent"))
class AgentStatisticsView(FeedbackStatisticsView):
    """The same, with the agent in the address."""


class FeedbackIssuesView(SpanView):
    @extend_schema(summary="What users complain about", parameters=[SpanSerializer], responses=IssuesSerializer)
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, given = self.read_span(agent)
        return Response(IssuesSerializer(given | {"issues": count_issues(agent=found, span=given["span"])}).data)


@extend_schema_view(get=extend_schema(operation_id="learning_feedback_issues_of_agent"))
class AgentIssuesView(FeedbackIssuesView):
    """The same, with the agent in the address."""


class FeedbackAnalyticsView(SpanView):
    query = BucketsSerializer

    @extend_schema(
        summary="Feedback by hour, day, week or month", parameters=[BucketsSerializer], responses=AnalyticsSerializer
    )
    def get(self, request: Any, agent: str | None = None) -> Response:
        found, given = self.read_span(agent)
        buckets = summarize_buckets(agent=found, span=given["span"], bucket=given["bucket"])
        return Response(AnalyticsSerializer(given | {"buckets": buckets}).data)
