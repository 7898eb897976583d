"""What an actor needs for a page or an endpoint. Nothing is open by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, HttpResponseNotAllowed
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission

from organizations.actors import Actor
from organizations.models import Role

# What a key may do with other scopes than the one that is named for it: send feedback, and ask who gets which variant.
IMPLIED = {"feedback": ("ingest",), "assign": ("ingest", "read")}


@dataclass(frozen=True)
class Need:
    """A key needs the scope; a person needs the role. `tokens`: a feedback token is good here too."""

    scope: str
    role: str = Role.MEMBER
    tokens: bool = False


def need(scope: str, role: str = Role.MEMBER, *, tokens: bool = False) -> Need:
    return Need(scope, Role(role), tokens)


def satisfies(actor: Actor, needed: Need) -> bool:
    """Whether the actor may: by its token, by the scopes of its key (IMPLIED ones included), or by the role."""
    if actor.grant is not None:
        return needed.tokens
    if actor.api_key_id is None:
        return actor.allows(needed.role)
    return needed.scope in actor.scopes or not actor.scopes.isdisjoint(IMPLIED.get(needed.scope, ()))


def refusal(actor: Actor, needed: Need, origin: str | None) -> str | None:
    """Why the actor may not, for the caller to read; None when it may."""
    if not origin_allowed(actor, origin):
        return f"This key does not work in pages of {origin[:200] if origin else 'an unknown origin'}."
    if satisfies(actor, needed):
        return None
    if actor.grant is not None:
        return "A feedback token opens POST /api/learning/feedback and nothing else."
    if actor.api_key_id is not None:
        return f"This needs a key with the scope {needed.scope}; this one has {', '.join(sorted(actor.scopes))}."
    return f"This needs the role {needed.role}; yours is {actor.role}."


class ActorPermission(BasePermission):
    """Looks the method up in the view's `permissions`; a method that is not there is refused."""

    message = "This key or role may not do this."  # replaced by the reason

    def has_permission(self, request: Any, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        by_action = getattr(view, "action_permissions", {})
        needed = by_action.get(getattr(view, "action", None)) or getattr(view, "permissions", {}).get(method)
        actor = request.auth
        if actor is None:
            raise NotAuthenticated("Send an API key: Authorization: Bearer sk_...")
        if needed is None:
            raise MethodNotAllowed(request.method)
        reason = refusal(actor, needed, request.headers.get("Origin"))
        self.message = reason or self.message
        return reason is None


def origin_allowed(actor: Actor, origin: str | None) -> bool:
    """A key with a list of origins works in pages of those origins alone (browsers cannot forge the header)."""
    return not actor.allowed_origins or origin in actor.allowed_origins


def page(role: str = Role.MEMBER, methods: tuple[str, ...] = ("GET",)) -> Callable[[Any], Any]:
    """A browser page for members with at least this role."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if request.actor is None or request.actor.user is None:
                raise PermissionDenied("You are not a member of any organization yet. Ask an administrator to add you.")
            if not request.actor.allows(role):
                raise PermissionDenied(f"This page needs the role {Role(role).value}; yours is {request.actor.role}.")
            # HEAD is a GET without its body. It passes the CSRF check, so no page that changes something may take it.
            if ("GET" if request.method == "HEAD" else request.method) not in methods:
                return HttpResponseNotAllowed(methods)
            return view(request, *args, **kwargs)

        guarded.needed_role = Role(role)  # type: ignore[attr-defined]  # read by the sweep over all routes
        return guarded

    return decorate
