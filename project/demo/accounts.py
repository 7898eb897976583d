"""Acting as one of the demo's people, so that the audit names who did what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from organizations.actors import person
from organizations.models import Membership, User
from organizations.scope import organization_scope
from project.demo.sign_ins import demo_user


@contextmanager
def acting_as(role: str, organization_id: UUID) -> Iterator[User]:
    """One transaction of the demo's person with this role."""
    user = demo_user(role)
    with organization_scope(organization_id):
        membership = Membership.objects.select_related("organization").get(user=user)
    with organization_scope(organization_id, actor=person(user, membership)):
        yield user
