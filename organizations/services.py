"""Making organizations and letting people in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from organizations import audit
from organizations.actors import system_actor
from organizations.errors import Conflict, Refused
from organizations.middleware import SESSION_KEY, chosen_membership
from organizations.models import Membership, Organization, Role
from organizations.scope import organization_scope


def create_organization(*, name: str, slug: str) -> Organization:
    """A new tenant. Raises Conflict when the slug is taken."""
    organization = Organization(id=uuid7(), name=name, slug=slug)
    try:
        with organization_scope(organization.id, actor=system_actor(organization.id)):
            organization.save(force_insert=True)
            audit.record(action="organization.created", target=organization, after={"name": name, "slug": slug})
    except IntegrityError as error:
        raise Conflict(f"An organization with the slug {slug!r} exists already.", "slug") from error
    return organization


def add_member(*, user: Any, role: str) -> Membership:
    """Let a person into the organization in scope, or change their role there."""
    if role not in Role.values:
        raise Refused(f"Unknown role {role!r}. Choose from {', '.join(Role.values)}.", "role")
    with transaction.atomic():
        membership, _ = Membership.objects.update_or_create(user=user, defaults={"role": role})
        audit.record(action="membership.set", target=membership, after={"user": user.get_username(), "role": role})
    return membership


def choose_organization(*, user: Any, session: Any, organization_id: UUID) -> None:
    """Work in another of the person's organizations from the next request on.

    Raises Refused when the person is no member there.
    """
    membership = chosen_membership(user.pk, str(organization_id))
    if membership is None or membership.organization_id != organization_id:
        raise Refused("You are not a member of that organization.", "organization")
    session[SESSION_KEY] = str(organization_id)
