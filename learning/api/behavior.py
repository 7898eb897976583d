"""Demonstrations step by step, corrections of actions, and policy updates."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.examples import DemonstrationViewSet
from learning.api.jobs import started
from learning.api.requests import read_query
from learning.api.serializers import behavior as shapes
from learning.api.serializers.examples import ExampleSerializer
from learning.api.serializers.jobs import StartedJobSerializer
from learning.api.serializers.training import StartedRunSerializer
from learning.api.training import address, named, start
from learning.models import ActionCorrection, AgentConfig, DatasetVersion, Demonstration, TrainingType
from learning.services.action_corrections import incorporate_correction
from learning.services.agent_directory import find_agent
from learning.services.correction_trends import correction_trends
from learning.services.demonstrations import add_demonstration, import_chats, read_chat
from learning.services.examples import create_example
from learning.services.recorded_demonstrations import start_recorded
from learning.waking import wake_for_job
from organizations.api import OrganizationAPIView, OrganizationViewSet, as_uuid
from organizations.errors import Missing
from organizations.models import Role
from organizations.permissions import need


class StepwiseViewSet(DemonstrationViewSet):
    """Examples of how it is done: a text, or step by step."""

    @extend_schema(
        summary="Store a demonstration: a text, or steps",
        request=shapes.NewStepsSerializer,
        responses={201: ExampleSerializer},
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewStepsSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        steps, messages = values.pop("steps", None), values.pop("messages", None)
        about = {name: values.pop(name, None) for name in ("reward", "case")}
        if steps is None and messages is None:
            return Response(ExampleSerializer(create_example(agent=agent, **values, **self.fixed)).data, status=201)
        episode = (
            read_chat({"messages": messages, **about}, "messages")
            if messages
            else shapes.episode_of({"steps": steps, **about})
        )
        kept = {name: values[name] for name in values if name not in ("input_text", "expected_output")}
        demonstration = add_demonstration(agent=agent, episode=episode, created_by=request.auth.user, **kept)
        return Response(ExampleSerializer(demonstration.example).data, status=201)

    @extend_schema(
        summary="Store logged chats in the OpenAI form, all or none",
        request=shapes.ImportSerializer,
        responses={201: shapes.ImportedSerializer},
    )
    def take_in(self, request: Any) -> Response:
        values = shapes.ImportSerializer().run_validation(request.data)
        stored = import_chats(agent=find_agent(name=values["agent_id"]), chats=values["chats"])
        told = {
            "stored": len(stored),
            "left_out": len(values["chats"]) - len(stored),
            "ids": [one.example_id for one in stored],
        }
        return Response(shapes.ImportedSerializer(told).data, status=201)

    @extend_schema(
        summary="Make demonstrations of all recorded executions that the filter leaves, as a job",
        request=shapes.RecordedSerializer,
        responses={202: StartedJobSerializer},
    )
    def of_executions(self, request: Any) -> Response:
        values = shapes.RecordedSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        job = start_recorded(agent=agent, user=request.auth.user, **values)
        wake_for_job(job)
        return started(job)


@extend_schema_view(retrieve=extend_schema(summary="A demonstration step by step", responses=shapes.StepsSerializer))
class DemonstrationStepsViewSet(OrganizationViewSet):
    """The steps of a demonstration, by the id of its example."""

    model = Demonstration
    permissions = {"GET": need("read", role=Role.MANAGER)}
    serializer_class = shapes.StepsSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    def retrieve(self, request: Any, pk: str) -> Response:
        row = self.get_queryset().filter(example_id=as_uuid(pk)).first()
        if row is None:
            raise Missing(f"There are no steps of a demonstration {pk!r}.")
        return Response(shapes.StepsSerializer(row).data)


@extend_schema_view(
    list=extend_schema(
        summary="Corrections of actions, the newest first", responses=shapes.CorrectionSerializer(many=True)
    )
)
class ActionCorrectionViewSet(OrganizationViewSet):
    """Actions that somebody put right."""

    model = ActionCorrection
    permissions = {"GET": need("read", role=Role.EXPERT), "POST": need("manage", role=Role.EXPERT)}
    serializer_class = shapes.CorrectionSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("agent")

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(shapes.CorrectionSerializer(page, many=True).data)

    @extend_schema(
        summary="Put an action right",
        request=shapes.NewCorrectionSerializer,
        responses={201: shapes.CorrectionSerializer},
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewCorrectionSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        config = named(AgentConfig, values.pop("config_id", None), "config_id")
        correction = incorporate_correction(
            agent=agent,
            original_action=values.pop("original_action", None),
            corrected_action=values.pop("corrected_action", None),
            config=config,
            created_by=request.auth.user,
            **values,
        )
        return Response(shapes.CorrectionSerializer(correction).data, status=201)


class CorrectionTrendsView(OrganizationAPIView):
    """How often each kind of correction was needed, and when that changed."""

    permissions = {"GET": need("read", role=Role.EXPERT)}

    @extend_schema(
        summary="Corrections of actions by kind and week",
        parameters=[shapes.TrendQuerySerializer],
        responses=shapes.TrendSerializer(many=True),
        filters=False,
    )
    def get(self, request: Any, agent: str) -> Response:
        asked = read_query(shapes.TrendQuerySerializer, request)
        config = named(AgentConfig, asked.get("config_id"), "config_id")
        found = correction_trends(agent=find_agent(name=agent), config=config)
        return Response([{"kind": kind} | trend.as_json() for kind, trend in found.kinds.items()])


class PolicyUpdateView(OrganizationAPIView):
    """The short way to a policy update."""

    permissions = {"POST": need("manage", role=Role.ADMIN)}

    @extend_schema(
        summary="Learn a policy update from the demonstrations of a dataset version",
        request=shapes.NewPolicyUpdateSerializer,
        responses={202: StartedRunSerializer},
    )
    def post(self, request: Any) -> Response:
        values = shapes.NewPolicyUpdateSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        version = named(DatasetVersion, values.pop("dataset_version_id", None), "dataset_version_id")
        kind = TrainingType.BEHAVIOR_CLONING
        run = start(request, agent=agent, training_type=kind, dataset_version=version, config=values)
        body = {"run_id": run.pk, "status": run.status, "url": address(run)}
        return Response(StartedRunSerializer(body).data, status=202, headers={"Location": address(run)})
