"""The quick lane: what applications and pages send to the intake by key or feedback token, past the layers for people.

Sessions, CSRF, messages, the lock-out of sign-ins and the request of REST framework have no part in it, and are most of
what a request costs. Anything out of the ordinary (a person, another method, another type of body, an unknown key, a
token that is refused) goes on to the views, which take and answer alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import HttpResponse, HttpResponseBase
from rest_framework.exceptions import PermissionDenied, Throttled

from learning.api.doors import Door
from learning.api.executions import EXECUTION, EXECUTION_BATCH
from learning.api.feedback import FEEDBACK, FEEDBACK_BATCH
from organizations import tokens
from organizations.actors import Actor
from organizations.key_use import note_use
from organizations.known_keys import actor_of_key
from organizations.middleware import database_unavailable
from organizations.parsers import parse_document
from organizations.permissions import refusal
from organizations.throttles import IntakeThrottle
from organizations.token_signers import resolve_feedback_token
from project.admission import Admission
from project.api import CONTENT_TYPE, problem_document

DOORS: dict[str, Door] = {
    "/api/learning/feedback": FEEDBACK,
    "/api/learning/feedback/batch": FEEDBACK_BATCH,
    "/api/learning/executions": EXECUTION,
    "/api/learning/executions/batch": EXECUTION_BATCH,
}
KEYS = ("Bearer sk_", "Bearer pk_", f"Bearer {tokens.PREFIX}")
JSON = "application/json"
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": settings.SECURE_REFERRER_POLICY}


class IntakeLane:
    """Answers what it knows, and hands on the rest."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        door = DOORS.get(request.path_info)
        if door is None or not _is_ordinary(request):
            return self.get_response(request)
        try:
            actor = _actor_of(request.META["HTTP_AUTHORIZATION"][len("Bearer ") :].strip())
            if actor is None:
                return self.get_response(request)
            response = _answer(door, actor, request)
            note_use(actor)
        except OperationalError as error:
            return database_unavailable(request, error)
        except Exception as error:
            problem = problem_document(error)
            if problem is None:
                raise
            body, headers = problem
            response = _json(body["status"], body, CONTENT_TYPE, headers)
        return response


class ServerLane(IntakeLane):
    """The same for what comes from no page, past the layers that speak to browsers as well."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self.admit = Admission(super().__call__)

    def __call__(self, request: Any) -> HttpResponseBase:
        if request.path_info not in DOORS or "HTTP_ORIGIN" in request.META:
            return self.get_response(request)
        response = self.admit(request)
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        return response


def _is_ordinary(request: Any) -> bool:
    meta = request.META
    return (
        request.method == "POST"
        and meta.get("HTTP_AUTHORIZATION", "").startswith(KEYS)
        and meta.get("CONTENT_TYPE", "") == JSON
        and meta.get("HTTP_ACCEPT", "*/*") in ("*/*", JSON)
    )


def _actor_of(key: str) -> Actor | None:
    """None for what the layers of the views refuse, with the reason."""
    if not key.startswith(tokens.PREFIX):
        return actor_of_key(key)
    try:
        return resolve_feedback_token(key)
    except tokens.TokenRefused:
        return None


def _answer(door: Door, actor: Actor, request: Any) -> HttpResponse:
    """In the order of REST framework: permission, throttle, and only then the body."""
    meta = request.META
    reason = refusal(actor, door.needed, meta.get("HTTP_ORIGIN"))
    if reason:
        raise PermissionDenied(reason)
    throttle = IntakeThrottle()
    if not throttle.allow_request(SimpleNamespace(method="POST", auth=actor), None):
        raise Throttled(throttle.wait())
    status, body = door.take(actor, parse_document(request.body), meta.get("HTTP_IDEMPOTENCY_KEY"))
    return _json(status, body, JSON)


def _json(status: int, body: dict[str, Any], content_type: str, headers: dict[str, str] | None = None) -> HttpResponse:
    content = json.dumps(body).encode()
    own = {"Content-Type": content_type, "Content-Length": str(len(content))}
    return HttpResponse(content, status=status, headers=own | (headers or {}))
