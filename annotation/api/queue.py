"""The queue: what waits, the next item, and holding on to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from annotation.api.acting import acting_expert
from annotation.api.desk_serializers import FlaggingSerializer, FlagSerializer
from annotation.api.serializers import (
    ClaimedItemSerializer,
    ClaimSerializer,
    ExpertSerializer,
    HeldSerializer,
    LeaseSerializer,
    QueueFilterSerializer,
    QueueSerializer,
    SkipSerializer,
)
from annotation.services.adjudication import claim_dispute
from annotation.services.claims import claim_next, claim_next_at, claim_slot
from annotation.services.flags import flag_item
from annotation.services.items import open_item
from annotation.services.leases import extend_lease, release_item, skip_item
from annotation.services.queues import find_queue
from annotation.services.waiting import COUNT_TO, count_slots, list_slots
from learning.api.requests import read_query
from learning.services.agent_directory import find_agent
from organizations.api import OrganizationAPIView
from organizations.permissions import need


class QueueView(OrganizationAPIView):
    permissions = {"GET": need("read", role="expert")}

    @extend_schema(
        operation_id="annotation_queue",
        summary="What waits for review, in the order in which it is offered",
        parameters=[QueueFilterSerializer],
        responses=QueueSerializer,
    )
    def get(self, request: Any) -> Response:
        given = read_query(QueueFilterSerializer, request)
        limit, after = given.pop("limit"), given.pop("after", None)
        if name := given.pop("agent", None):
            given["agent_id"] = find_agent(name=name).pk
        if queue := given.pop("queue", None):
            given["queue"] = find_queue(queue_id=queue)
        given["viewer"] = request.auth.user
        slots, total = list_slots(**given, after=after, limit=limit), count_slots(**given)
        following = slots[-1].pk if len(slots) == limit else None
        page = {"queue": slots, "total": total, "more": total == COUNT_TO, "next": following}
        return Response(QueueSerializer(page).data)


class NextItemView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="expert")}

    @extend_schema(
        operation_id="annotation_claim",
        summary="Claim the next item",
        description="Gives the item that the expert holds already, or the first that waits; 204 when nothing is left. "
        "The claim lasts ten minutes; a heartbeat extends it.",
        request=ClaimSerializer,
        responses={200: ClaimedItemSerializer, 204: None},
    )
    def post(self, request: Any) -> Response:
        given = ClaimSerializer().run_validation(request.data)
        expert = acting_expert(request.auth, given.get("expert"))
        queue_id = given.get("queue")
        slot = claim_next_at(expert=expert, queue_id=queue_id) if queue_id else claim_next(expert=expert)
        if slot is None:
            return Response(status=204)
        return Response(ClaimedItemSerializer(open_item(slot=slot, expert=expert)).data)


class ClaimView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="expert")}

    @extend_schema(
        operation_id="annotation_claim_slot",
        summary="Claim this very item",
        description="For instance from a plan. What the expert holds of the same queue is given back. Disputed items "
        "are for managers.",
        request=ExpertSerializer,
        responses=ClaimedItemSerializer,
    )
    def post(self, request: Any, slot: UUID) -> Response:
        given = ExpertSerializer().run_validation(request.data)
        expert = acting_expert(request.auth, given.get("expert"))
        adjudicates = bool(request.auth.api_key_id or request.auth.can_manage)
        claimed = claim_slot(expert=expert, slot_id=slot, adjudicates=adjudicates)
        return Response(ClaimedItemSerializer(open_item(slot=claimed, expert=expert)).data)


class NextDisputeView(OrganizationAPIView):
    permissions = {"POST": need("manage", role="manager")}

    @extend_schema(
        operation_id="annotation_claim_dispute",
        summary="Claim the next item whose reviewers disagree",
        description="With all opinions side by side; the review that is handed in decides. 204 when there is none.",
        request=ClaimSerializer,
        responses={200: ClaimedItemSerializer, 204: None},
    )
    def post(self, request: Any) -> Response:
        given = ClaimSerializer().run_validation(request.data)
        expert = acting_expert(request.auth, given.get("expert"))
        queue = find_queue(queue_id=given["queue"]) if given.get("queue") else None
        slot = claim_dispute(expert=expert, queue=queue)
        if slot is None:
            return Response(status=204)
        return Response(ClaimedItemSerializer(open_item(slot=slot, expert=expert)).data)


class LeaseView(OrganizationAPIView):
    """What a lease's holder does with it; the token is in the body."""

    permissions = {"POST": need("manage", role="expert")}
    reads: type[LeaseSerializer] = LeaseSerializer

    def read(self) -> dict[str, Any]:
        given = self.reads().run_validation(self.request.data)
        return given | {"expert": acting_expert(self.request.auth, given.get("expert"))}


class HeartbeatView(LeaseView):
    @extend_schema(
        operation_id="annotation_heartbeat",
        summary="Hold on to an item",
        request=LeaseSerializer,
        responses=HeldSerializer,
    )
    def post(self, request: Any, slot: UUID) -> Response:
        return Response(HeldSerializer({"lease_until": extend_lease(slot_id=slot, **self.read())}).data)


class ReleaseView(LeaseView):
    @extend_schema(
        operation_id="annotation_release", summary="Give an item back", request=LeaseSerializer, responses={204: None}
    )
    def post(self, request: Any, slot: UUID) -> Response:
        release_item(slot_id=slot, **self.read())
        return Response(status=204)


class SkipView(LeaseView):
    reads = SkipSerializer

    @extend_schema(
        operation_id="annotation_skip",
        summary="Give an item back and do not see it again",
        request=SkipSerializer,
        responses={204: None},
    )
    def post(self, request: Any, slot: UUID) -> Response:
        skip_item(slot_id=slot, **self.read())
        return Response(status=204)


class FlagView(LeaseView):
    reads = FlaggingSerializer

    @extend_schema(
        operation_id="annotation_flag",
        summary="Set an item aside for a manager",
        request=FlaggingSerializer,
        responses={201: FlagSerializer},
    )
    def post(self, request: Any, slot: UUID) -> Response:
        return Response(FlagSerializer(flag_item(slot_id=slot, **self.read())).data, status=201)
