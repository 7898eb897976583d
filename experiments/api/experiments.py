"""Experiments: create, read, start, pause, resume, stop, results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from experiments.api import serializers as shapes
from experiments.api.serializers.layers import NewTesterSerializer, TesterReleaseSerializer, TestersSerializer
from experiments.models import Experiment, ExperimentKind, ExperimentStatus, Variant
from experiments.services import lifecycle
from experiments.services.creation import ArmPlan, create_experiment, halves, same_twice, update_draft
from experiments.services.layers import find_layer
from experiments.services.results import results_of
from experiments.services.testers import force_unit, release_unit, testers_of
from learning.api.requests import read_query
from learning.models import Agent, AgentConfig
from learning.services.agent_directory import find_agent
from organizations.api import OrganizationViewSet
from organizations.errors import Missing, Refused
from organizations.models import Role
from organizations.permissions import need


@extend_schema_view(
    list=extend_schema(
        summary="Experiments, the newest first",
        parameters=[shapes.ExperimentFilterSerializer],
        responses=shapes.ExperimentSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One experiment", responses=shapes.ExperimentSerializer),
)
class ExperimentViewSet(OrganizationViewSet):
    model = Experiment
    permissions = {
        "GET": need("read"),
        "POST": need("manage", role=Role.ADMIN),
        "PATCH": need("manage", role=Role.ADMIN),
    }
    serializer_class = shapes.ExperimentSerializer

    def get_queryset(self) -> Any:
        arms = Prefetch("variants", Variant.objects.select_related("config").order_by("position"))
        return super().get_queryset().select_related("agent", "layer").prefetch_related(arms)

    def list(self, request: Any) -> Response:
        given = read_query(shapes.ExperimentFilterSerializer, request)
        rows = self.get_queryset()
        if "agent_id" in given:
            rows = rows.filter(agent=find_agent(name=given["agent_id"]))
        if "status" in given:
            rows = rows.filter(status=given["status"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(shapes.ExperimentSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return self.shown()

    @extend_schema(
        summary="Create a draft",
        request=shapes.NewExperimentSerializer,
        responses={201: shapes.ExperimentSerializer},
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewExperimentSerializer().run_validation(request.data)
        agent = find_agent(name=values.pop("agent_id"))
        read_layer(values)
        arms = read_arms(agent, values)
        experiment = create_experiment(agent=agent, arms=arms, created_by=request.auth.user, **values)
        self.kwargs["pk"] = str(experiment.pk)
        return self.shown(status=201)

    @extend_schema(summary="Change a draft", request=shapes.DraftSerializer, responses=shapes.ExperimentSerializer)
    def partial_update(self, request: Any, pk: str) -> Response:
        values = shapes.DraftSerializer().run_validation(request.data)
        read_layer(values)
        update_draft(experiment=self.get_object(), **values)
        return self.shown()

    @extend_schema(summary="Assign users from now on", request=None, responses=shapes.ExperimentSerializer)
    def start(self, request: Any, pk: str) -> Response:
        lifecycle.start_experiment(experiment=self.get_object())
        return self.shown()

    @extend_schema(summary="Give everybody control", request=None, responses=shapes.ExperimentSerializer)
    def pause(self, request: Any, pk: str) -> Response:
        lifecycle.pause_experiment(experiment=self.get_object())
        return self.shown()

    @extend_schema(summary="Go on after a pause", request=None, responses=shapes.ExperimentSerializer)
    def resume(self, request: Any, pk: str) -> Response:
        lifecycle.resume_experiment(experiment=self.get_object())
        return self.shown()

    @extend_schema(summary="End it without a decision", request=None, responses=shapes.ExperimentSerializer)
    def stop(self, request: Any, pk: str) -> Response:
        lifecycle.stop_experiment(experiment=self.get_object())
        return self.shown()

    @extend_schema(
        summary="Start, pause, resume, stop or complete it",
        request=shapes.StatusChangeSerializer,
        responses=shapes.ExperimentSerializer,
    )
    def change_status(self, request: Any, pk: str) -> Response:
        wanted = shapes.StatusChangeSerializer().run_validation(request.data)["status"]
        experiment = self.get_object()
        step = {
            ExperimentStatus.RUNNING: lifecycle.resume_experiment
            if experiment.status == ExperimentStatus.PAUSED
            else lifecycle.start_experiment,
            ExperimentStatus.PAUSED: lifecycle.pause_experiment,
            ExperimentStatus.STOPPED: lifecycle.stop_experiment,
            ExperimentStatus.COMPLETED: lifecycle.complete_experiment,
        }[ExperimentStatus(wanted)]
        step(experiment=experiment)
        return self.shown()

    @extend_schema(summary="The verdict and every metric at the last look", responses=shapes.ResultsSerializer)
    def results(self, request: Any, pk: str) -> Response:
        return Response(shapes.ResultsSerializer(results_of(self.get_object())).data)

    @extend_schema(summary="Who is in a variant by hand", responses=TestersSerializer)
    def testers(self, request: Any, pk: str) -> Response:
        return self.shown_testers(self.get_object())

    @extend_schema(
        summary="Put a tester into a variant",
        description="The unit gets the variant while the experiment runs, whatever its buckets say, and is left out of "
        "the analysis for good.",
        request=NewTesterSerializer,
        responses={201: TestersSerializer},
    )
    def force(self, request: Any, pk: str) -> Response:
        values = NewTesterSerializer().run_validation(request.data)
        experiment = self.get_object()
        force_unit(experiment=experiment, unit=values.pop("unit_id"), created_by=request.auth.user, **values)
        return self.shown_testers(experiment, status=201)

    @extend_schema(summary="Let a tester go", request=TesterReleaseSerializer, responses=TestersSerializer)
    def release(self, request: Any, pk: str) -> Response:
        experiment = self.get_object()
        unit = TesterReleaseSerializer().run_validation(request.data)["unit_id"]
        release_unit(experiment=experiment, unit=unit)
        return self.shown_testers(experiment)

    def shown_testers(self, experiment: Experiment, status: int = 200) -> Response:
        return Response(TestersSerializer({"testers": testers_of(experiment)}).data, status=status)

    def shown(self, status: int = 200) -> Response:
        return Response(shapes.ExperimentSerializer(self.get_object()).data, status=status)


def read_arms(agent: Agent, values: dict[str, Any]) -> list[ArmPlan]:
    """Take the arms out of a validated request, in either way of naming them. Raises Refused or Missing."""
    variants = values.pop("variants", None)
    candidate, control = values.pop("candidate_config_id", None), values.pop("control_config_id", None)
    if variants is not None and (candidate or control):
        raise Refused("Give either variants or candidate_config_id, not both.", "variants")
    if values.get("kind") == ExperimentKind.AA:
        named = {"candidate_config_id": candidate, "control_config_id": control}
        return _same_arms(agent, variants, [field for field, config in named.items() if config])
    if variants is not None:
        return _named_arms(agent, variants)
    if candidate is None:
        raise Refused("Say what to compare: candidate_config_id, or variants.", "candidate_config_id")
    control = control or agent.serving_config_id
    if control is None:
        raise Refused("Nothing serves this agent yet, so name the control_config_id.", "control_config_id")
    configs = _configs(agent, {candidate: "candidate_config_id", control: "control_config_id"})
    return halves(candidate=configs[candidate], control=configs[control])


def read_layer(values: dict[str, Any]) -> None:
    """Put the layer itself in place of its name. Raises Missing."""
    if "layer" in values:
        layer = find_layer(values["layer"])
        if layer is None:
            raise Missing(f"There is no layer {values['layer']!r}.", "layer_id")
        values["layer"] = layer


def _same_arms(agent: Agent, variants: list[dict[str, Any]] | None, compared: list[str]) -> list[ArmPlan]:
    """`compared`: the fields that name a config for one of two arms. Variants may give the arms other shares."""
    arms = same_twice(agent=agent)
    same, named = arms[0].config, arms if variants is None else _named_arms(agent, variants)
    if compared or any(arm.config != same for arm in named):
        raise Refused(
            "The arms of an A/A have the config that serves the agent. Name no other, or none at all.",
            next(iter(compared), "variants"),
        )
    return named


def _named_arms(agent: Agent, variants: list[dict[str, Any]]) -> list[ArmPlan]:
    fields = {variant["config_id"]: f"variants.{place}.config_id" for place, variant in enumerate(variants)}
    configs = _configs(agent, fields)
    return [
        ArmPlan(
            key=variant["key"],
            config=configs[variant["config_id"]],
            percentage=variant["percentage"],
            is_control=variant.get("is_control", variant["key"] == "control"),
        )
        for variant in variants
    ]


def _configs(agent: Agent, fields: Mapping[UUID, str]) -> dict[UUID, AgentConfig]:
    """The agent's configs by id; raises Missing that names the field of the first one that is not there."""
    found = AgentConfig.objects.filter(agent=agent).in_bulk(list(fields))
    for config_id, field in fields.items():
        if config_id not in found:
            raise Missing(f"Agent {agent.external_id!r} has no config {config_id}.", field)
    return found
