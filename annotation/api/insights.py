"""How well reviewing goes: agreement, experts, a plan for the time there is, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from annotation.api.acting import acting_expert
from annotation.api.insight_serializers import (
    AgreementFilterSerializer,
    AgreementSerializer,
    PlanFilterSerializer,
    PlanSerializer,
    ProgressSerializer,
    StandingFilterSerializer,
    StandingSerializer,
    StandingsSerializer,
)
from annotation.api.serializers import ExpertSerializer
from annotation.models import AnnotationQueue, QueueSeat
from annotation.services.experts import expert_standings
from annotation.services.gold import resume_expert
from annotation.services.impact import impact_of
from annotation.services.planning import plan_minutes
from annotation.services.progress import reviewed_today, seconds_per_item
from annotation.services.queues import find_queue, foreseen_queue, list_queues
from annotation.services.waiting import count_for
from learning.api.requests import read_query
from organizations.api import OrganizationAPIView
from organizations.permissions import need


class AgreementView(OrganizationAPIView):
    permissions = {"GET": need("read", role="manager")}

    @extend_schema(
        operation_id="annotation_agreement",
        summary="How much experts agree, beyond chance",
        description="Over the newest 4,000 opinions of a queue: decisions, scores, categories, rubric answers, pairs.",
        parameters=[AgreementFilterSerializer],
        responses=AgreementSerializer,
    )
    def get(self, request: Any) -> Response:
        from annotation.services.agreement import measure_agreement  # numpy and scipy: see docs/decisions/0011

        given = read_query(AgreementFilterSerializer, request)
        queue = some_queue(given)
        return Response(AgreementSerializer(measure_agreement(queue=queue, stage=given.get("stage", ""))).data)


class ExpertsView(OrganizationAPIView):
    permissions = {"GET": need("read", role="manager")}

    @extend_schema(
        operation_id="annotation_experts",
        summary="How much, how fast and how right each expert is",
        parameters=[StandingFilterSerializer],
        responses=StandingsSerializer,
    )
    def get(self, request: Any) -> Response:
        given = read_query(StandingFilterSerializer, request)
        queue = find_queue(queue_id=given["queue"]) if "queue" in given else None
        return Response(StandingsSerializer({"experts": expert_standings(queue=queue, days=given["days"])}).data)


class ResumeView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="manager")}

    @extend_schema(
        operation_id="annotation_expert_resume",
        summary="Let a paused expert go on",
        request=None,
        responses=StandingSerializer,
    )
    def post(self, request: Any, seat: UUID) -> Response:
        found = QueueSeat.objects.select_related("queue").filter(pk=seat).first()
        if found is None:
            raise Http404("Nobody works here.")
        resume_expert(seat=found)
        standings = expert_standings(queue=found.queue)
        return Response(StandingSerializer(next(one for one in standings if one.seat.pk == seat)).data)


class PlanView(OrganizationAPIView):
    permissions = {"GET": need("manage", role="expert")}

    @extend_schema(
        operation_id="annotation_plan",
        summary="What is worth most in the minutes that there are",
        description="Severity x uncertainty x coverage for the time that this person is expected to need.",
        parameters=[PlanFilterSerializer],
        responses=PlanSerializer,
    )
    def get(self, request: Any) -> Response:
        given = read_query(PlanFilterSerializer, request)
        expert = acting_expert(request.auth, given.get("expert"))
        planned = plan_minutes(expert=expert, queue=some_queue(given), minutes=given["minutes"])
        picks = [
            {"item": slot, "value": pick.value, "seconds": pick.seconds}
            for slot, pick in zip(planned.slots, planned.plan.picks, strict=True)
        ]
        body = {"seconds": planned.plan.seconds, "considered": planned.considered, "picks": picks}
        return Response(PlanSerializer(body).data)


class ProgressView(OrganizationAPIView):
    permissions = {"GET": need("manage", role="expert")}

    @extend_schema(
        operation_id="annotation_progress",
        summary="One's own progress, and what one's reviews changed",
        parameters=[ExpertSerializer],
        responses=ProgressSerializer,
    )
    def get(self, request: Any) -> Response:
        expert = acting_expert(request.auth, read_query(ExpertSerializer, request).get("expert"))
        queue = next(iter(list_queues(expert=expert)), None)
        impact = impact_of(expert=expert)
        body = {
            "today": reviewed_today(expert=expert),
            "seconds": seconds_per_item(expert=expert, days=7),
            "waiting": count_for(expert=expert, queue=queue) if queue else 0,
            "impact": impact,
            "serving": [agent.external_id for agent in impact.serving],
        }
        return Response(ProgressSerializer(body).data)


def some_queue(given: dict[str, Any]) -> AnnotationQueue:
    """The queue that is named, else the oldest active one."""
    queue = find_queue(queue_id=given["queue"]) if "queue" in given else foreseen_queue()
    if queue is None:
        raise Http404("There is no active queue.")
    return queue
