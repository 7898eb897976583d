"""POST of feedback, and what it amounts to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.batches import answer_batch
from learning.api.requests import IDEMPOTENCY_KEY, KEY_HEADER, idempotency_key, may_register_agents, read_query
from learning.api.serializers.batches import BatchAnswerSerializer, FeedbackBatchSerializer
from learning.api.serializers.feedback import (
    AnalyticsSerializer,
    FeedbackStatisticsSerializer,
    IssuesSerializer,
    NewFeedbackSerializer,
    SpanSerializer,
    StoredFeedbackSerializer,
)
from learning.models import Agent
from learning.services.agent_directory import find_agent
from learning.services.feedback import submit_feedback, submit_feedback_batch
from learning.services.statistics import count_issues, summarize_days, summarize_feedback
from organizations.api import OrganizationAPIView
from organizations.errors import Refused
from organizations.permissions import need
from organizations.throttles import IntakeThrottle

MAX_BUCKETS = 366


class FeedbackView(OrganizationAPIView):
    """What an end user says. The execution may be logged later; a correction becomes a learning example."""

    permissions = {"POST": need("ingest")}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Send one piece of feedback",
        parameters=[IDEMPOTENCY_KEY],
        request=NewFeedbackSerializer,
        responses={201: StoredFeedbackSerializer},
    )
    def post(self, request: Any) -> Response:
        item = NewFeedbackSerializer().run_validation(request.data)
        key = idempotency_key(request)
        if key and item.setdefault("idempotency_key", key) != key:
            raise Refused(f"This differs from the header {KEY_HEADER}.", "idempotency_key")
        outcome = submit_feedback(item=item, may_register=may_register_agents(request.auth))
        return Response({"feedback_id": outcome.id, "success": True}, status=201)


class FeedbackBatchView(OrganizationAPIView):
    """Each item is taken or refused on its own."""

    permissions = {"POST": need("ingest")}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Send up to 1,000 pieces of feedback",
        description="Each item is taken or refused on its own, and may have a key of its own. With the header alone, "
        "its key is the header and its index.",
        parameters=[IDEMPOTENCY_KEY],
        request=FeedbackBatchSerializer,
        responses={200: BatchAnswerSerializer},
    )
    def post(self, request: Any) -> Response:
        may_register = may_register_agents(request.auth)
        key = idempotency_key(request)

        def with_key(index: int, item: Any) -> Any:
            keyed = not key or not isinstance(item, dict) or item.get("idempotency_key") or item.get("id")
            return item if keyed else item | {"idempotency_key": f"{key}:{index}"}

        return answer_batch(
            request.data,
            NewFeedbackSerializer(),
            store=lambda items: submit_feedback_batch(items=items, may_register=may_register),
            prepare=with_key,
        )


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
