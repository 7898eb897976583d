"""People of an organization: letting them in, changing their role, letting them go."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.models import Membership, Role, User
from organizations.scope import current_organization_id, person_scope
from organizations.services import add_member

LAST_ADMIN = "This is the only administrator. Make somebody else one first."


def create_account(*, username: str, role: str) -> tuple[Membership, str]:
    """A new person with a first password, which is shown once: the administrator hands it over.

    Raises Refused for a name that cannot be one, Conflict for one that is taken.
    """
    try:
        User.username_validator(username)
    except ValidationError as error:
        raise Refused("A user name has letters, digits and @ . + - _ only.", "username") from error
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password=password)
            membership = add_member(user=user, role=role)
            _mark_staff(user)
    except IntegrityError as error:
        raise Conflict("This user name is taken. Choose another one.", "username") from error
    return membership, password


def set_role(*, membership: Membership, role: str) -> None:
    """Raises Refused for an unknown role, Conflict when it would leave the organization without an administrator."""
    with transaction.atomic():
        if role != Role.ADMIN:
            _keep_an_admin(membership)
        add_member(user=membership.user, role=role)
        membership.role = role
        _mark_staff(membership.user)


def remove_member(*, membership: Membership) -> None:
    """The person cannot get in any more; what they did stays theirs. Raises Conflict for the last administrator."""
    with transaction.atomic():
        _keep_an_admin(membership)
        audit.record(
            action="membership.removed",
            target=membership,
            before={"user": membership.user.get_username(), "role": membership.role},
        )
        membership.delete()
        _mark_staff(membership.user)


def reset_password(*, membership: Membership) -> str:
    """A new first password; the person is signed out everywhere.

    Raises Conflict when the person works in another organization too: an administrator here has no say there.
    """
    user = membership.user
    if any(other.organization_id != current_organization_id() for other in _memberships(user)):
        raise Conflict(f"{user.get_username()} belongs to another organization too, and has to change it in person.")
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(action="password.reset", target=membership, after={"user": user.get_username()})
    return password


def _keep_an_admin(membership: Membership) -> None:
    """Two administrators cannot remove each other at the same time: the rows are locked."""
    admins = list(Membership.objects.select_for_update().filter(role=Role.ADMIN).order_by("id"))
    if [admin.pk for admin in admins] == [membership.pk]:
        raise Conflict(LAST_ADMIN, "role")


def _mark_staff(user: User) -> None:
    """Administrators of any organization may open the data administration."""
    user.is_staff = any(one.role == Role.ADMIN for one in _memberships(user))
    user.save(update_fields=["is_staff"])


def _memberships(user: User) -> list[Membership]:
    """In all organizations."""
    with person_scope(user.pk):
        return list(Membership.objects.filter(user=user))
