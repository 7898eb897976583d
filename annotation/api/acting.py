"""Whose review it is: the signed-in expert's, or that of the expert whom an application names."""

from __future__ import annotations

from typing import Any

from organizations.errors import Refused
from organizations.models import ROLE_ORDER, Membership, Role


def acting_expert(actor: Any, username: str | None) -> Any:
    """The person whose work it is.

    Raises Refused when an application names nobody, or nobody who may review, and when a person names somebody else.
    """
    if actor.user is not None:
        if username and username != actor.user.get_username():
            raise Refused("You review as yourself: leave this out.", "expert")
        return actor.user
    if not username:
        raise Refused("An application acts for an expert: send the user name of one.", "expert")
    membership = Membership.objects.select_related("user").filter(user__username=username).first()
    if membership is None or ROLE_ORDER[Role(membership.role)] < ROLE_ORDER[Role.EXPERT]:
        raise Refused(f"{username!r} is no expert of this organization.", "expert")
    return membership.user
