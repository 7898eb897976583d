"""Finds out who is asking and opens their organization for the whole request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from organizations import tokens
from organizations.actors import Actor, person
from organizations.errors import database_trouble
from organizations.key_use import note_use
from organizations.known_keys import actor_of_key
from organizations.models import Membership
from organizations.scope import organization_scope, person_scope
from organizations.token_signers import resolve_feedback_token

log = logging.getLogger(__name__)
SESSION_KEY = "organization_id"


class TenantMiddleware:
    """Sets `request.actor` and runs the request in one transaction that sees the actor's organization alone.

    The transaction is around the rendering of lazy responses too (Django's own admin), and is rolled back when the
    answer is an error of ours. ATOMIC_REQUESTS rolls back refused requests inside it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        request.actor = None
        try:
            request.actor = find_actor(request)
            if request.actor is None:
                return self.get_response(request)
            with organization_scope(request.actor.organization_id, actor=request.actor):
                response = self.get_response(request)
                if response.status_code >= 500:
                    transaction.set_rollback(True)
            note_use(request.actor)
            return response
        except OperationalError as error:
            log.exception("The database did not answer")
            return database_unavailable(request, error)

    def process_exception(self, request: Any, error: Exception) -> HttpResponse | None:
        """What a view, or the savepoint around it, raised would be a defect of ours before it came back to us."""
        if not isinstance(error, OperationalError):
            return None
        log.warning("The database did not answer: %s", error)
        return database_unavailable(request, error)


def find_actor(request: Any) -> Actor | None:
    """The application by its key or a token that it signed, or the signed-in person; None for a stranger."""
    key = bearer_key(request)
    if key is not None and key.startswith(tokens.PREFIX):
        try:
            return resolve_feedback_token(key)
        except tokens.TokenRefused as error:
            request.refusal = str(error)
            return None
    if key is not None:
        return actor_of_key(key)
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    membership = chosen_membership(user.pk, request.session.get(SESSION_KEY))
    return person(user, membership) if membership else None


def bearer_key(request: HttpRequest) -> str | None:
    """The key in `Authorization: Bearer ...`; None when the header is absent or of another kind."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def chosen_membership(user_id: UUID, organization_id: str | None) -> Membership | None:
    """The membership in the organization the person chose, or their first one."""
    with person_scope(user_id):
        memberships = list(
            Membership.objects.filter(user_id=user_id).select_related("organization").order_by("created_at")
        )
    chosen = [row for row in memberships if str(row.organization_id) == organization_id]
    return next(iter(chosen or memberships), None)


def database_unavailable(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """503 that says whether the database is busy or away, and to come back."""
    return unavailable(request, database_trouble(error), retry_after=5)


def unavailable(request: HttpRequest, detail: str, *, retry_after: int) -> HttpResponse:
    """503: a problem document for programs, a line for people. `retry_after` is in seconds."""
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": "Service unavailable", "status": 503, "detail": detail}
        response: HttpResponse = JsonResponse(body, status=503, content_type="application/problem+json")
    else:
        text = detail.partition(".")[0] + ". Load the page again in a few seconds."
        response = HttpResponse(text, status=503, content_type="text/plain")
    response["Retry-After"] = str(retry_after)
    return response
