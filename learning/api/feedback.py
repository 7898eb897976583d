"""POST of feedback."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from learning.api.batches import answer_batch
from learning.api.requests import IDEMPOTENCY_KEY, KEY_HEADER, idempotency_key, may_register_agents
from learning.api.serializers.batches import BatchAnswerSerializer, FeedbackBatchSerializer
from learning.api.serializers.feedback import NewFeedbackSerializer, StoredFeedbackSerializer
from learning.services.feedback import submit_feedback, submit_feedback_batch
from learning.services.feedback_by_token import submit_feedback_by_token
from organizations.api import OrganizationAPIView
from organizations.errors import Refused
from organizations.permissions import need
from organizations.throttles import IntakeThrottle


class FeedbackView(OrganizationAPIView):
    """What an end user says. The execution may be logged later; a correction becomes a learning example."""

    permissions = {"POST": need("feedback", tokens=True)}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Send one piece of feedback",
        description="A signed feedback token (`Authorization: Bearer ft_...`) is good here, in the place of a key.",
        parameters=[IDEMPOTENCY_KEY],
        request=NewFeedbackSerializer,
        responses={201: StoredFeedbackSerializer},
    )
    def post(self, request: Any) -> Response:
        item = NewFeedbackSerializer().run_validation(request.data)
        key = idempotency_key(request)
        if key and item.setdefault("idempotency_key", key) != key:
            raise Refused(f"This differs from the header {KEY_HEADER}.", "idempotency_key")
        grant = request.auth.grant
        if grant:
            outcome = submit_feedback_by_token(grant=grant, item=item)
        else:
            outcome = submit_feedback(item=item, may_register=may_register_agents(request.auth))
        return Response({"feedback_id": outcome.id, "success": True}, status=201)


class FeedbackBatchView(OrganizationAPIView):
    """Each item is taken or refused on its own."""

    permissions = {"POST": need("feedback")}
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
