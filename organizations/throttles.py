"""How many writing requests the intake takes from a key or person, and from an organization."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from organizations.actors import Actor
from organizations.rates import MAX_NAMES, Limit, shared_leases

MINUTE = 60_000_000  # microseconds
BURST = 6  # a sixth of a minute's requests may come at once


class IntakeThrottle(BaseThrottle):
    """INTAKE_RATE_PER_MINUTE for each key or person, INTAKE_ORGANIZATION_RATE_PER_MINUTE for all of an organization.

    0 is no limit. A batch is one request. Exact over all processes, and never a reason to lose feedback: while Redis
    is away each process counts by itself.
    """

    _wait = 0.0

    def allow_request(self, request: Any, view: Any) -> bool:
        if request.method in ("GET", "HEAD") or request.auth is None:
            return True
        limits = _limits(request.auth)
        if limits:
            self._wait = shared_leases(settings.CACHES["default"]["LOCATION"]).wait(limits) / 1e6
        return self._wait == 0

    def wait(self) -> int:
        """Whole seconds, rounded up, for Retry-After."""
        return math.ceil(self._wait)


def _limits(actor: Actor) -> tuple[Limit, ...]:
    whose: UUID | str | None = actor.api_key_id or (actor.user.pk if actor.user else None)
    if actor.grant:  # it stands in a page: whoever floods with it must not use up what its key may send
        whose = f"token:{actor.grant.token_id}"
    rates = settings.INTAKE_RATE_PER_MINUTE, settings.INTAKE_ORGANIZATION_RATE_PER_MINUTE
    return _limits_of(whose, actor.organization_id, *rates)


@lru_cache(maxsize=MAX_NAMES)
def _limits_of(whose: UUID | str | None, organization_id: UUID, own: int, of_all: int) -> tuple[Limit, ...]:
    rates = ((str(whose), own), (f"organization:{organization_id}", of_all))
    return tuple(_limit(name, rate) for name, rate in rates if rate)


def _limit(name: str, rate: int) -> Limit:
    interval = MINUTE / rate
    return Limit(name, interval, max(0.0, MINUTE / BURST - interval))
