"""Training runs: started, watched, cancelled, approved."""

from __future__ import annotations

from typing import Any, cast

from django.db.models.fields.json import KT
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers import training as shapes
from learning.models import AgentConfig, DatasetVersion, TrainingRun, TrainingType
from learning.services import gate, training
from learning.services.agent_directory import find_agent
from learning.services.run_changes import told_metrics
from learning.services.run_comparison import compare_runs
from learning.services.run_plan import plan_run
from learning.waking import wake_for_run
from organizations.actors import Actor
from organizations.api import KeysetPagination, OrganizationAPIView, OrganizationViewSet
from organizations.errors import Conflict, Missing, Refused
from organizations.models import Role
from organizations.permissions import need

ADMIN = need("manage", role=Role.ADMIN)


class FromTheBeginning(KeysetPagination):
    """Lines of a log in the order in which they were written."""

    ordering = "id"


@extend_schema_view(
    list=extend_schema(
        summary="Training runs, the newest first",
        parameters=[shapes.RunFilterSerializer],
        responses=shapes.ListedRunSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One run: how far it is, what it found", responses=shapes.RunDetailSerializer),
)
class TrainingRunViewSet(OrganizationViewSet):
    model = TrainingRun
    permissions = {"GET": need("read"), "POST": ADMIN}
    serializer_class = shapes.RunSerializer

    def get_queryset(self) -> Any:
        rows = super().get_queryset().select_related("agent", "candidate_config")
        return rows.annotate(
            verdict=KT("metrics__verdict"), improvement_percentage=KT("metrics__improvement_percentage")
        )

    def list(self, request: Any) -> Response:
        asked = read_query(shapes.RunFilterSerializer, request)
        rows = self.get_queryset().defer("metrics", "estimate", "hyperparameters")
        if "agent_id" in asked:
            rows = rows.filter(agent=find_agent(name=asked["agent_id"]))
        if "status" in asked:
            rows = rows.filter(status=asked["status"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(shapes.ListedRunSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return self.shown()

    @extend_schema(summary="Start a run", request=shapes.NewRunSerializer, responses={201: shapes.RunDetailSerializer})
    def create(self, request: Any) -> Response:
        values = shapes.NewRunSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        version = named(DatasetVersion, values.pop("dataset_version_id", None), "dataset_version_id")
        base = named(AgentConfig, values.pop("base_config_id", None), "base_config_id")
        run = start(request, agent=agent, dataset_version=version, base_config=base, **values)
        return self.started(run)

    @extend_schema(
        summary="What a run would take; starts nothing",
        request=shapes.NewRunSerializer,
        responses=shapes.EstimateSerializer,
    )
    def estimate(self, request: Any) -> Response:
        values = shapes.NewRunSerializer().run_validation(request.data)
        plan = plan_run(
            find_agent(name=values["agent_id"]),
            named(DatasetVersion, values.get("dataset_version_id"), "dataset_version_id"),
            named(AgentConfig, values.get("base_config_id"), "base_config_id"),
            values.get("training_type", TrainingType.PROMPT_OPTIMIZATION),
            values.get("config"),
        )
        return Response(shapes.EstimateSerializer(plan.estimate()).data)

    @extend_schema(
        summary="Runs side by side: their figures, and the settings that differ",
        parameters=[shapes.CompareSerializer],
        responses=shapes.ComparisonSerializer,
    )
    def compare(self, request: Any) -> Response:
        asked = read_query(shapes.CompareSerializer, request)
        comparison = compare_runs(run_ids=asked["id"])
        for run in comparison.runs:
            self.tell(run)
        return Response(shapes.ComparisonSerializer(comparison).data)

    @extend_schema(
        summary="What a run logged, from its beginning",
        description="Follow `next` to the last page; later ask for what came `after` the last line that you have.",
        parameters=[shapes.LogFilterSerializer],
        responses=shapes.LogLineSerializer(many=True),
    )
    def log(self, request: Any, pk: str) -> Response:
        asked = read_query(shapes.LogFilterSerializer, request)
        lines = self.get_object().log_lines.all()
        if "after" in asked:
            lines = lines.filter(pk__gt=asked["after"])
        pages = FromTheBeginning()
        page: Any = pages.paginate_queryset(lines, request, view=self)
        return pages.get_paginated_response(shapes.LogLineSerializer(page, many=True).data)

    @extend_schema(
        summary="The same run once more, with the same seed",
        description="Version, config and settings are the same too. Answers that are remembered cost nothing again.",
        request=None,
        responses={201: shapes.RunDetailSerializer},
    )
    def rerun(self, request: Any, pk: str) -> Response:
        run = training.rerun_training_run(run=self.get_object(), user=request.auth.user)
        wake_for_run(run)
        return self.started(run)

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

    def started(self, run: TrainingRun) -> Response:
        """201 with the run's address."""
        self.kwargs["pk"] = str(run.pk)
        response = self.shown(status=201)
        response["Location"] = address(run)
        return response

    def shown(self, status: int = 200) -> Response:
        run = self.tell(self.get_object())
        run.gate = training.gate_report(run)
        return Response(shapes.RunDetailSerializer(run).data, status=status)

    def tell(self, run: Any) -> Any:
        """The run as far as whoever asks may know it. It is not saved."""
        found = run.metrics if isinstance(run.metrics, dict) else {}
        run.verdict, run.improvement_percentage = found.get("verdict"), found.get("improvement_percentage")
        run.metrics = told_metrics(found, actor=cast(Actor, self.request.auth))
        return run


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
        try:
            run = start(request, agent=agent, config=values)
        except Refused as error:
            raise type(error)(error.message, _short_name(error.field)) from error
        body = {"run_id": run.pk, "status": run.status, "url": address(run)}
        return Response(shapes.StartedRunSerializer(body).data, status=202, headers={"Location": address(run)})


def _short_name(field: str | None) -> str | None:
    """What the short form calls a setting of a run."""
    name = field.removeprefix("config.") if field else field
    return "optimization_goals" if name == "goals" else name


def start(request: Any, **values: Any) -> TrainingRun:
    """Queue the run and wake a worker after the commit."""
    run = training.start_training_run(user=request.auth.user, **values)
    wake_for_run(run)
    return run


def address(run: TrainingRun) -> str:
    return reverse("api:training-run", args=[run.pk])


def named(model: Any, key: Any, field: str) -> Any:
    """The row with this id, None without one. Raises Missing naming the field."""
    if key is None:
        return None
    row = model.objects.filter(pk=key).first()
    if row is None:
        raise Missing(f"There is no {model._meta.verbose_name} {key}.", field)
    return row
