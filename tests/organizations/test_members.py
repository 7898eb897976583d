"""Members: let in with a first password, changed, let go; never without an administrator, never another's account."""

from __future__ import annotations

from typing import Any

import pytest

from organizations.errors import Conflict, Refused
from organizations.members import create_account, remove_member, reset_password, set_role
from organizations.models import AuditEvent, Membership, Organization, Role, User
from organizations.scope import organization_scope
from organizations.services import add_member
from tests import factories
from tests.clients_in_process import StrangerClient

PAGE = "/admin/learning/members/"


def membership_of(user: Any) -> Membership:
    return Membership.objects.select_related("user").get(user=user)


def test_an_administrator_lets_somebody_in_who_can_sign_in_then(sign_in: Any) -> None:
    admin = sign_in("admin")
    answer = admin.post(PAGE, {"username": "robin", "role": "expert"})
    password = answer.context["made"]
    assert password in answer.content.decode() and password not in admin.get(PAGE).content.decode()
    newcomer = StrangerClient()
    assert newcomer.post("/login/", {"username": "robin", "password": password}).status_code == 302
    assert newcomer.get("/admin/learning/annotation/").status_code == 200
    assert newcomer.get(PAGE).status_code == 403


def test_a_taken_name_is_refused_at_its_field(sign_in: Any) -> None:
    admin = sign_in("admin")
    answer = admin.post(PAGE, {"username": admin.user.username, "role": "expert"})
    assert "This user name is taken" in answer.content.decode()
    with pytest.raises(Refused, match="letters, digits"):
        create_account(username="no good", role="expert")


def test_a_role_is_changed_and_audited(scope: Organization, sign_in: Any) -> None:
    person = factories.make_user(scope, "expert")
    sign_in("admin").post(f"{PAGE}{membership_of(person).pk}/role", {"role": "manager"})
    assert membership_of(person).role == "manager"
    assert AuditEvent.objects.filter(action="membership.set", after__role="manager").exists()


def test_the_last_administrator_can_neither_go_nor_step_down(scope: Organization) -> None:
    only = membership_of(factories.make_user(scope, "admin"))
    for change in (lambda: remove_member(membership=only), lambda: set_role(membership=only, role="expert")):
        with pytest.raises(Conflict, match="only administrator"):
            change()
    factories.make_user(scope, "admin")
    remove_member(membership=only)
    assert Membership.objects.count() == 1


def test_who_was_removed_gets_in_no_more(scope: Organization, sign_in: Any) -> None:
    expert = sign_in("expert")
    assert expert.get("/admin/learning/annotation/").status_code == 200
    sign_in("admin").post(f"{PAGE}{membership_of(expert.user).pk}/remove")
    assert expert.get("/admin/learning/annotation/").status_code == 403


def test_a_new_password_signs_the_person_out(scope: Organization, sign_in: Any) -> None:
    expert = sign_in("expert")
    reset_password(membership=membership_of(expert.user))
    assert expert.get("/admin/learning/annotation/").status_code == 302


def test_nobody_gets_at_an_account_that_works_in_another_organization_too(
    scope: Organization, other_organization: Organization
) -> None:
    person = factories.make_user(scope, "expert")
    membership = membership_of(person)

    with factories.outside_scope(), organization_scope(other_organization.id):
        add_member(user=person, role="member")
    before = User.objects.get(pk=person.pk).password
    with pytest.raises(Conflict, match="another organization"):
        reset_password(membership=membership)
    assert User.objects.get(pk=person.pk).password == before


def test_only_administrators_open_the_data_administration(scope: Organization) -> None:
    factories.make_user(scope, "admin")
    membership, _ = create_account(username="robin", role=Role.ADMIN)
    assert User.objects.get(username="robin").is_staff
    set_role(membership=membership, role=Role.EXPERT)
    assert not User.objects.get(username="robin").is_staff


def test_a_person_changes_their_own_password(sign_in: Any) -> None:
    expert = sign_in("expert")
    expert.user.set_password("old-Password-1")
    expert.user.save()
    expert.force_login(expert.user, backend="django.contrib.auth.backends.ModelBackend")
    new = {"old_password": "old-Password-1", "new_password1": "new-Password-2", "new_password2": "new-Password-2"}
    assert expert.post("/password/", new).status_code == 302
    assert User.objects.get(pk=expert.user.pk).check_password("new-Password-2")
    assert StrangerClient().get("/password/").status_code == 302
