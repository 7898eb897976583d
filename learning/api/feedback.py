"""POST of feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from learning.api.batches import answer_batch
from learning.api.doors import Answer, Door
from learning.api.requests import IDEMPOTENCY_KEY, KEY_HEADER, check_key, may_register_agents
from learning.api.serializers.batches import BatchAnswerSerializer, FeedbackBatchSerializer
from learning.api.serializers.compiled import CompiledSerializer
from learning.api.serializers.feedback import NewFeedbackSerializer, StoredFeedbackSerializer
from learning.services.feedback import submit_feedback, submit_feedback_batch
from learning.services.feedback_by_token import submit_feedback_by_token
from learning.services.intake import Outcome
from learning.services.quick_feedback import submit_ordinary_feedback
from organizations.actors import Actor
from organizations.api import OrganizationAPIView
from organizations.errors import Refused
from organizations.permissions import need
from organizations.scope import organization_scope
from organizations.throttles import IntakeThrottle

NEW_FEEDBACK = CompiledSerializer(NewFeedbackSerializer())


def take_feedback(actor: Actor, document: Any, key: str | None) -> Answer:
    """One piece of feedback: stored, or refused by an exception. Opens a scope of its own where it needs one."""
    item = NEW_FEEDBACK.run_validation(document)
    if check_key(key) and item.setdefault("idempotency_key", key) != key:
        raise Refused(f"This differs from the header {KEY_HEADER}.", "idempotency_key")
    store = partial(_store, actor)
    outcome = submit_feedback_by_token(grant=actor.grant, item=item, store=store) if actor.grant else store(item)
    return 201, {"feedback_id": str(outcome.id), "success": True}


def _store(actor: Actor, item: Mapping[str, Any]) -> Outcome:
    outcome = submit_ordinary_feedback(organization_id=actor.organization_id, item=item)
    if outcome is None:
        with organization_scope(actor.organization_id, actor=actor):
            may_register = actor.grant is not None or may_register_agents(actor)
            outcome = submit_feedback(item=item, may_register=may_register)
    return outcome


def take_feedback_batch(actor: Actor, document: Any, key: str | None) -> Answer:
    """Many pieces of feedback, each stored or refused on its own."""
    may_register = may_register_agents(actor)
    check_key(key)

    def with_key(index: int, item: Any) -> Any:
        keyed = not key or not isinstance(item, dict) or item.get("idempotency_key") or item.get("id")
        return item if keyed else item | {"idempotency_key": f"{key}:{index}"}

    def store(items: Sequence[Any]) -> list[Outcome]:
        with organization_scope(actor.organization_id, actor=actor):
            return submit_feedback_batch(items=items, may_register=may_register)

    return answer_batch(document, NEW_FEEDBACK, store, with_key)


FEEDBACK = Door(need("feedback", tokens=True), take_feedback)
FEEDBACK_BATCH = Door(need("feedback"), take_feedback_batch)


class FeedbackView(OrganizationAPIView):
    """What an end user says. The execution may be logged later; a correction becomes a learning example."""

    permissions = {"POST": FEEDBACK.needed}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Send one piece of feedback",
        description="A signed feedback token (`Authorization: Bearer ft_...`) is good here, in the place of a key.",
        parameters=[IDEMPOTENCY_KEY],
        request=NewFeedbackSerializer,
        responses={201: StoredFeedbackSerializer},
    )
    def post(self, request: Any) -> Response:
        return FEEDBACK.respond(request)


class FeedbackBatchView(OrganizationAPIView):
    """Each item is taken or refused on its own."""

    permissions = {"POST": FEEDBACK_BATCH.needed}
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
        return FEEDBACK_BATCH.respond(request)
