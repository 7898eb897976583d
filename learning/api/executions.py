"""POST and GET of executions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from learning.api.batches import answer_batch
from learning.api.doors import Answer, Door
from learning.api.requests import may_register_agents, read_query
from learning.api.serializers.batches import BatchAnswerSerializer, ExecutionBatchSerializer
from learning.api.serializers.compiled import CompiledSerializer
from learning.api.serializers.execution_detail import ExecutionDetailSerializer, document_of
from learning.api.serializers.executions import (
    MAX_DECISIONS_IN_BATCH,
    ExecutionFilterSerializer,
    ExecutionSerializer,
    NewExecutionSerializer,
    StoredExecutionSerializer,
)
from learning.models import Execution
from learning.services.agent_directory import find_agent
from learning.services.execution_search import arrived_between, said_about
from learning.services.execution_story import story_of
from learning.services.executions import log_execution, log_executions
from learning.services.intake import Outcome
from organizations.actors import Actor
from organizations.api import OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need
from organizations.scope import organization_scope
from organizations.throttles import IntakeThrottle

RENAMED = {"execution_id": "external_id", "user_id": "user", "status": "status", "config_id": "config"}
NEW_EXECUTION = CompiledSerializer(NewExecutionSerializer())


def take_execution(actor: Actor, document: Any, key: str | None) -> Answer:
    """One execution: stored, or refused by an exception. Its name is its key; the header says nothing more."""
    item = NEW_EXECUTION.run_validation(document)
    with organization_scope(actor.organization_id, actor=actor):
        outcome = log_execution(item=item, may_register=may_register_agents(actor))
    name = item.get("execution_id") or str(outcome.id)
    return 201, {"execution_id": name, "id": str(outcome.id), "success": True}


def take_execution_batch(actor: Actor, document: Any, key: str | None) -> Answer:
    """Many executions, each stored or refused on its own."""
    check_decisions(document)
    may_register = may_register_agents(actor)

    def store(items: Sequence[Any]) -> list[Outcome]:
        with organization_scope(actor.organization_id, actor=actor):
            return log_executions(items=items, may_register=may_register)

    return answer_batch(document, NEW_EXECUTION, store, prepare=lambda index, item: item)


EXECUTION = Door(need("ingest"), take_execution)
EXECUTION_BATCH = Door(need("ingest"), take_execution_batch)


@extend_schema_view(
    list=extend_schema(
        summary="Executions, the newest first",
        parameters=[ExecutionFilterSerializer],
        responses=ExecutionSerializer(many=True),
    ),
    retrieve=extend_schema(
        summary="One execution with its decisions, and what came of it", responses=ExecutionDetailSerializer
    ),
)
class ExecutionViewSet(OrganizationViewSet):
    """Runs of agents, as applications report them."""

    model = Execution
    permissions = {"GET": need("read", role=Role.MANAGER), "POST": EXECUTION.needed}
    throttle_classes = [IntakeThrottle]
    serializer_class = ExecutionSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    def list(self, request: Any) -> Response:
        given = read_query(ExecutionFilterSerializer, request)
        rows = self.get_queryset().filter(**{RENAMED[name]: given[name] for name in RENAMED if name in given})
        if "agent_id" in given:
            rows = rows.filter(agent=find_agent(name=given["agent_id"]))
        if "feedback" in given:
            rows = rows.filter(said_about(given["feedback"]))
        page = self.paginate_queryset(rows.filter(*arrived_between(given.get("from"), given.get("to"))))
        return self.get_paginated_response(ExecutionSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(document_of(story_of(self.get_object())))

    @extend_schema(
        summary="Log one execution",
        description="The same execution_id of an agent with the same content is stored once and answered alike; "
        "with another content it is a conflict.",
        request=NewExecutionSerializer,
        responses={201: StoredExecutionSerializer},
    )
    def create(self, request: Any) -> Response:
        return EXECUTION.respond(request)

    @extend_schema(
        summary="Log up to 1,000 executions",
        description="Each item is taken or refused on its own. All items together have at most "
        f"{MAX_DECISIONS_IN_BATCH:,} decisions.",
        request=ExecutionBatchSerializer,
        responses={200: BatchAnswerSerializer},
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Any) -> Response:
        return EXECUTION_BATCH.respond(request)


def check_decisions(data: Any) -> None:
    """Raises ValidationError for a batch that holds more decisions than one request can work through."""
    items = data.get("items") if isinstance(data, dict) else None
    given = [item.get("decisions") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    total = sum(len(decisions) for decisions in given if isinstance(decisions, list))
    if total > MAX_DECISIONS_IN_BATCH:
        text = f"These are {total:,} decisions; send at most {MAX_DECISIONS_IN_BATCH:,} in one request."
        raise ValidationError({"items": [text]})
