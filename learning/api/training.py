"""Training runs: started, watched, cancelled, approved."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers import training as shapes
from learning.models import AgentConfig, DatasetVersion, TrainingRun
from learning.services import gate, training
from learning.services.agent_directory import find_agent
from learning.waking import wake_for_run
from organizations.api import OrganizationAPIView, OrganizationViewSet
from organizations.errors import Conflict, Missing
from organizations.models import Role
from organizations.permissions import need

ADMIN = need("manage", role=Role.ADMIN)


@extend_schema_view(
    list=extend_schema(
        summary="Training runs, the newest first",
        parameters=[shapes.RunFilterSerializer],
        responses=shapes.RunSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One run: how far it is, what it found", responses=shapes.RunDetailSerializer),
)
class TrainingRunViewSet(OrganizationViewSet):
    model = TrainingRun
    permissions = {"GET": need("read"), "POST": ADMIN}
    serializer_class = shapes.RunSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent", "candidate_config")

    def list(self, request: Any) -> Response:
        asked = read_query(shapes.RunFilterSerializer, request)
        rows = self.get_queryset()
        if "agent_id" in asked:
            rows = rows.filter(agent=find_agent(name=asked["agent_id"]))
        if "status" in asked:
            rows = rows.filter(status=asked["status"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(shapes.RunSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return self.shown()

    @extend_schema(summary="Start a run", request=shapes.NewRunSerializer, responses={201: shapes.RunDetailSerializer})
    def create(self, request: Any) -> Response:
        values = shapes.NewRunSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        version = _named(DatasetVersion, values.pop("dataset_version_id", None), "dataset_version_id")
        base = _named(AgentConfig, values.pop("base_config_id", None), "base_config_id")
        run = start(request, agent=agent, dataset_version=version, base_config=base, **values)
        self.kwargs["pk"] = str(run.pk)
        response = self.shown(status=201)
        response["Location"] = address(run)
        return response

    @extend_schema(
        summary="Stop a run: at once while it waits, at its next step while it works",
        request=None,
        responses=shapes.RunDetailSerializer,
    )
    def cancel(self, request: Any, pk: str) -> Response:
        training.request_cancel(run=self.get_object())
        return self.shown()

    @extend_schema(
        summary="Decide about the candidate after its gate",
        request=shapes.DecisionSerializer,
        responses=shapes.RunDetailSerializer,
    )
    def approve(self, request: Any, pk: str) -> Response:
        if request.auth.user is None:
            raise PermissionDenied("A person approves, signed in as an administrator; a key cannot.")
        values = shapes.DecisionSerializer().run_validation(request.data)
        report = training.gate_report(self.get_object())
        if report is None:
            raise Conflict("This run proposes no candidate, so there is nothing to approve.", "status")
        decide = gate.approve_config if values.get("approved", True) else gate.reject_config
        decide(report=report, user=request.auth.user, note=values.get("note", ""))
        return self.shown()

    def shown(self, status: int = 200) -> Response:
        run = self.get_object()
        run.gate = training.gate_report(run)
        return Response(shapes.RunDetailSerializer(run).data, status=status)


class OptimizePromptView(OrganizationAPIView):
    """The short way to a better prompt."""

    permissions = {"POST": ADMIN}

    @extend_schema(
        summary="Start a prompt optimization from the agent's newest dataset version",
        request=shapes.OptimizePromptSerializer,
        responses={202: shapes.StartedRunSerializer},
    )
    def post(self, request: Any) -> Response:
        values = shapes.OptimizePromptSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        if "optimization_goals" in values:
            values["goals"] = values.pop("optimization_goals")
        run = start(request, agent=agent, config=values)
        body = {"run_id": run.pk, "status": run.status, "url": address(run)}
        return Response(shapes.StartedRunSerializer(body).data, status=202, headers={"Location": address(run)})


def start(request: Any, **values: Any) -> TrainingRun:
    """Queue the run and wake a worker after the commit."""
    run = training.start_training_run(user=request.auth.user, **values)
    wake_for_run(run)
    return run


def address(run: TrainingRun) -> str:
    return reverse("api:training-run", args=[run.pk])


def _named(model: Any, key: Any, field: str) -> Any:
    """The row with this id, None without one. Raises Missing naming the field."""
    if key is None:
        return None
    row = model.objects.filter(pk=key).first()
    if row is None:
        raise Missing(f"There is no {model._meta.verbose_name} {key}.", field)
    return row
