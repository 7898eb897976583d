"""Queues, rubrics and gold items, as managers keep them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from annotation.api.desk_serializers import (
    FlagSerializer,
    FlagsSerializer,
    GoldItemSerializer,
    NewGoldSerializer,
    NewQueueSerializer,
    NewRubricSerializer,
    OutcomeSerializer,
    QuestionsSerializer,
    QueueDetailSerializer,
    QueueRulesSerializer,
    RubricSerializer,
)
from annotation.models import AnnotationQueue, GoldItem, ItemFlag
from annotation.services.flags import open_flags, resolve_flag
from annotation.services.gold import add_gold, retire_gold
from annotation.services.queues import change_queue, create_queue, experts_named, find_queue
from annotation.services.rubrics import create_rubric, find_rubric, newest_rubrics, revise_rubric
from learning.models import LearningExample
from learning.services.agent_directory import find_agent
from organizations.api import OrganizationAPIView
from organizations.models import User
from organizations.permissions import need

MANAGING = {"GET": need("read", role="expert"), "POST": need("manage", role="manager")}


def rules_of(given: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The rules as the service takes them: names become what they stand for; a null that was sent clears."""
    cleared = {name: None for name in ("agent", "rubric", "max_reviews") if name in sent and sent[name] is None}
    if "agent" in given:
        given["agent"] = find_agent(name=given["agent"])
    if "rubric" in given:
        given["rubric"] = find_rubric(rubric_id=given["rubric"])
    if "experts" in given:
        given["experts"] = experts_named(given["experts"])
    return given | cleared


def shown(queue: AnnotationQueue) -> Any:
    names = User.objects.filter(pk__in=queue.experts).order_by("username").values_list("username", flat=True)
    queue.expert_names = list(names)  # type: ignore[attr-defined]
    return QueueDetailSerializer(queue).data


class QueuesView(OrganizationAPIView):
    permissions = MANAGING

    @extend_schema(operation_id="annotation_queues", responses=QueueDetailSerializer(many=True))
    def get(self, request: Any) -> Response:
        queues = AnnotationQueue.objects.select_related("agent").order_by("id")[:200]
        return Response([shown(queue) for queue in queues])

    @extend_schema(
        operation_id="annotation_queue_create", request=NewQueueSerializer, responses={201: QueueDetailSerializer}
    )
    def post(self, request: Any) -> Response:
        given = NewQueueSerializer().run_validation(request.data)
        return Response(shown(create_queue(**rules_of(given, request.data))), status=201)


class QueueDetailView(OrganizationAPIView):
    permissions = {"GET": need("read", role="expert"), "PATCH": need("manage", role="manager")}

    @extend_schema(operation_id="annotation_queue_read", responses=QueueDetailSerializer)
    def get(self, request: Any, queue: UUID) -> Response:
        return Response(shown(find_queue(queue_id=queue)))

    @extend_schema(
        operation_id="annotation_queue_change", request=QueueRulesSerializer, responses=QueueDetailSerializer
    )
    def patch(self, request: Any, queue: UUID) -> Response:
        given = QueueRulesSerializer().run_validation(request.data)
        found = find_queue(queue_id=queue)
        return Response(shown(change_queue(queue=found, **rules_of(given, request.data))))


class RubricsView(OrganizationAPIView):
    permissions = MANAGING

    @extend_schema(
        operation_id="annotation_rubrics", summary="The newest version of each", responses=RubricSerializer(many=True)
    )
    def get(self, request: Any) -> Response:
        return Response(RubricSerializer(newest_rubrics()[:200], many=True).data)

    @extend_schema(
        operation_id="annotation_rubric_create", request=NewRubricSerializer, responses={201: RubricSerializer}
    )
    def post(self, request: Any) -> Response:
        given = NewRubricSerializer().run_validation(request.data)
        return Response(RubricSerializer(create_rubric(**given)).data, status=201)


class RubricView(OrganizationAPIView):
    permissions = {"GET": need("read", role="expert"), "PATCH": need("manage", role="manager")}

    @extend_schema(operation_id="annotation_rubric_read", responses=RubricSerializer)
    def get(self, request: Any, rubric: UUID) -> Response:
        return Response(RubricSerializer(find_rubric(rubric_id=rubric)).data)

    @extend_schema(
        operation_id="annotation_rubric_revise",
        summary="Ask other questions",
        description="In place while no review has answered the old ones, else as a new version, which the queues that "
        "ask the old one ask from then on.",
        request=QuestionsSerializer,
        responses=RubricSerializer,
    )
    def patch(self, request: Any, rubric: UUID) -> Response:
        given = QuestionsSerializer().run_validation(request.data)
        found = find_rubric(rubric_id=rubric)
        return Response(RubricSerializer(revise_rubric(rubric=found, questions=given.get("questions", []))).data)


class GoldView(OrganizationAPIView):
    permissions = {"GET": need("manage", role="manager"), "POST": need("manage", role="manager")}

    @extend_schema(operation_id="annotation_gold", responses=GoldItemSerializer(many=True))
    def get(self, request: Any) -> Response:
        return Response(GoldItemSerializer(GoldItem.objects.order_by("-id")[:200], many=True).data)

    @extend_schema(operation_id="annotation_gold_add", request=NewGoldSerializer, responses={201: GoldItemSerializer})
    def post(self, request: Any) -> Response:
        given = NewGoldSerializer().run_validation(request.data)
        example_id = given.pop("example_id")
        example = LearningExample.objects.filter(pk=example_id).first()
        if example is None:
            raise Http404(f"There is no example {example_id}.")
        item = add_gold(queue=find_queue(queue_id=given.pop("queue")), example=example, **given)
        return Response(GoldItemSerializer(item).data, status=201)


class GoldItemView(OrganizationAPIView):
    permissions = {"DELETE": need("manage", role="manager")}

    @extend_schema(operation_id="annotation_gold_retire", summary="Give it to nobody any more", responses={204: None})
    def delete(self, request: Any, item: UUID) -> Response:
        found = GoldItem.objects.filter(pk=item).first()
        if found is None:
            raise Http404("There is no such gold item.")
        retire_gold(item=found)
        return Response(status=204)


class FlagsView(OrganizationAPIView):
    permissions = {"GET": need("read", role="manager")}

    @extend_schema(operation_id="annotation_flags", summary="Items set aside", responses=FlagsSerializer)
    def get(self, request: Any) -> Response:
        return Response(FlagsSerializer({"flags": open_flags()}).data)


class ResolveFlagView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="manager")}

    @extend_schema(
        operation_id="annotation_flag_resolve",
        summary="Put an item back into its queue, or reject its example",
        request=OutcomeSerializer,
        responses=FlagSerializer,
    )
    def post(self, request: Any, flag: UUID) -> Response:
        found = ItemFlag.objects.filter(pk=flag).first()
        if found is None:
            raise Http404("There is no such flag.")
        given = OutcomeSerializer().run_validation(request.data)
        resolve_flag(flag=found, outcome=given.get("outcome", ""), by=request.auth.user)
        resolved = ItemFlag.objects.select_related("slot__example__agent", "slot__claimed_by", "expert").get(pk=flag)
        return Response(FlagSerializer(resolved).data)
