"""Authentication of API requests: the actor that the middleware found."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed

from organizations.middleware import bearer_key


class ActorAuthentication(BaseAuthentication):
    """A bearer key or feedback token, or the session of a signed-in person (then with CSRF protection)."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        actor = getattr(request._request, "actor", None)
        if actor is None:
            if bearer_key(request._request) is not None:
                unknown = "This API key is unknown, was revoked or has expired."
                raise AuthenticationFailed(getattr(request._request, "refusal", unknown))
            return None
        if actor.user is not None:
            SessionAuthentication().enforce_csrf(request)
        return actor.user, actor

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"
