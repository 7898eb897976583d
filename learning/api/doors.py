"""The doors of the intake: what each takes, from whom, and how it answers.

A door is asked in two ways: by its view, as any endpoint, and by the quick lane, which has done without the layers that
a request by key does not need. Both get the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework.response import Response

from learning.api.requests import KEY_HEADER
from organizations.actors import Actor
from organizations.permissions import Need

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Door:
    """`take(actor, document, idempotency_key)` gives the status and the body, or raises what a view would raise."""

    needed: Need
    take: Callable[[Actor, Any, str | None], Answer]

    def respond(self, request: Any) -> Response:
        """For a view, whose authentication, permissions and throttle have let the request pass."""
        status, body = self.take(request.auth, request.data, request.headers.get(KEY_HEADER))
        return Response(body, status=status)
