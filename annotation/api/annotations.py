"""Reviews: handed in, recorded, taken back, read; and drafts of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from annotation.api.acting import acting_expert
from annotation.api.serializers import (
    AnnotationFilterSerializer,
    AnnotationSerializer,
    ClaimedItemSerializer,
    DraftSerializer,
    ExpertSerializer,
    GoldResultSerializer,
    HandedInSerializer,
    KeptDraftSerializer,
    NewAnnotationSerializer,
)
from annotation.models import ExpertAnnotation, Preferred, Slot
from annotation.services.drafts import discard_draft, find_draft, save_draft
from annotation.services.items import open_item
from annotation.services.opinions import Opinion
from annotation.services.preferences import LEFT, RIGHT, preferred_by_side
from annotation.services.records import record_annotation
from annotation.services.submissions import Submission, submit_annotation, undo_submission
from learning.api.requests import read_query
from learning.models import LearningExample
from organizations.api import OrganizationAPIView, OrganizationViewSet
from organizations.permissions import need


@extend_schema_view(
    list=extend_schema(
        summary="Reviews, newest first",
        description="Experts see their own; managers and applications see all.",
        parameters=[AnnotationFilterSerializer],
        responses=AnnotationSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One version of a review", responses=AnnotationSerializer),
)
class AnnotationViewSet(OrganizationViewSet):
    model = ExpertAnnotation
    permissions = {"GET": need("read", role="expert"), "POST": need("manage", role="expert")}
    serializer_class = AnnotationSerializer

    def get_queryset(self) -> Any:
        """All for managers and applications. Experts read their own, or no queue would be blind and no gold unknown."""
        rows = super().get_queryset().select_related("expert", "example")
        actor: Any = self.request.auth
        return rows.filter(expert=actor.user) if actor.user and not actor.can_manage else rows

    def list(self, request: Any) -> Response:
        given = read_query(AnnotationFilterSerializer, request)
        rows = self.get_queryset().current() if given.pop("current") else self.get_queryset()
        lookups = {"example": "example_id", "expert": "expert__username", "decision": "decision"}
        rows = rows.filter(**{lookups[name]: value for name, value in given.items()})
        return self.get_paginated_response(AnnotationSerializer(self.paginate_queryset(rows), many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(AnnotationSerializer(self.get_object()).data)

    @extend_schema(
        summary="Hand in a review",
        description="Of a claimed item, with its lease token. When the claim was lost to somebody else the answer is "
        "409, and the review is kept as an extra opinion: its id is in `annotation_id`. Managers and applications can "
        "also record the review of an example (`example_id`) that was made without a claim.",
        request=NewAnnotationSerializer,
        responses={201: HandedInSerializer},
    )
    def create(self, request: Any) -> Response:
        given = NewAnnotationSerializer().run_validation(request.data)
        expert = acting_expert(request.auth, given.pop("expert", None))
        target = {name: given.pop(name) for name in ("slot", "lease_token", "example_id", "stage") if name in given}
        if better := given.pop("better", None):
            given["preferred"] = preferred(better, expert, target)
        opinion = Opinion(**given)
        if "example_id" in target:
            done = Submission(self.record(request, expert, opinion, **target))
        else:
            done = submit_annotation(
                expert=expert, slot_id=target["slot"], lease_token=target["lease_token"], opinion=opinion
            )
        if done.conflict:
            return kept_as_extra(done)
        body = AnnotationSerializer(done.annotation).data
        return Response(body | {"gold": GoldResultSerializer(done.gold).data if done.gold else None}, status=201)

    def record(self, request: Any, expert: Any, opinion: Opinion, example_id: UUID, **values: Any) -> ExpertAnnotation:
        if not (request.auth.api_key_id or request.auth.can_manage):
            raise PermissionDenied("Claim an item to review it; recording other reviews needs the role manager.")
        example = LearningExample.objects.filter(pk=example_id).first()
        if example is None:
            raise Http404(f"There is no example {example_id}.")
        values.pop("lease_token", None)
        return record_annotation(expert=expert, example=example, opinion=opinion, **values)


def preferred(better: str, expert: Any, target: dict[str, Any]) -> str:
    """The output that the person means by a side. A review without a claim has no sides: left is the expected one."""
    slot = Slot.objects.filter(pk=target["slot"]).first() if "slot" in target else None
    if slot is not None:
        return preferred_by_side(slot=slot, expert=expert, better=better)
    return {LEFT: Preferred.EXPECTED, RIGHT: Preferred.REJECTED}.get(better, Preferred.EQUAL)


def kept_as_extra(done: Submission) -> Response:
    """A conflict that, unlike an error, keeps what was written: the transaction goes on."""
    body = {"type": "about:blank", "title": "Conflict", "status": 409, "detail": done.conflict}
    return Response(
        body | {"annotation_id": str(done.annotation.pk)}, status=409, content_type="application/problem+json"
    )


class UndoView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="expert")}

    @extend_schema(
        operation_id="annotation_undo",
        summary="Take back one's own review within ten minutes",
        description="The item is claimed again, with what was said as a draft; the review stays in the history.",
        request=ExpertSerializer,
        responses=ClaimedItemSerializer,
    )
    def post(self, request: Any, pk: UUID) -> Response:
        given = ExpertSerializer().run_validation(request.data)
        expert = acting_expert(request.auth, given.get("expert"))
        slot = undo_submission(expert=expert, annotation_id=pk)
        claimed = Slot.objects.select_related("queue", "example__agent").get(pk=slot.pk)
        return Response(ClaimedItemSerializer(open_item(slot=claimed, expert=expert)).data)


class DraftView(OrganizationAPIView):
    """What an expert has typed about an example and not handed in."""

    permissions = {
        "GET": need("manage", role="expert"),
        "PUT": need("manage", role="expert"),
        "DELETE": need("manage", role="expert"),
    }

    def expert(self) -> Any:
        return acting_expert(self.request.auth, read_query(ExpertSerializer, self.request).get("expert"))

    @extend_schema(operation_id="annotation_draft_read", parameters=[ExpertSerializer], responses=KeptDraftSerializer)
    def get(self, request: Any, example: UUID) -> Response:
        draft = find_draft(expert=self.expert(), example_id=example)
        if draft is None:
            raise Http404("There is no draft of yours for this example.")
        return Response(KeptDraftSerializer(draft).data)

    @extend_schema(
        operation_id="annotation_draft_save",
        parameters=[ExpertSerializer],
        request=DraftSerializer,
        responses=KeptDraftSerializer,
    )
    def put(self, request: Any, example: UUID) -> Response:
        content = DraftSerializer().run_validation(request.data).get("content", {})
        saved = save_draft(expert=self.expert(), example_id=example, content=content)
        return Response(KeptDraftSerializer(saved).data)

    @extend_schema(operation_id="annotation_draft_discard", parameters=[ExpertSerializer], responses={204: None})
    def delete(self, request: Any, example: UUID) -> Response:
        discard_draft(expert=self.expert(), example_id=example)
        return Response(status=204)
