"""The demo's organization, people and keys."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from organizations.keys import resolve_api_key, revoke_api_key
from organizations.models import ApiKey, Membership, Organization, User
from organizations.scope import organization_scope
from project.demo import sign_ins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    return tmp_path / settings.SERVICES_NAME


def seed() -> str:
    output = StringIO()
    call_command("seed_demo", stdout=output)
    return output.getvalue()


def passwords(state: Path) -> dict[str, str]:
    people = json.loads((state / "demo-access.json").read_text())["people"]
    return {role: person["password"] for role, person in people.items()}


def test_every_role_can_sign_in_with_the_printed_password(own_state: Path) -> None:
    printed = seed()
    assert f"--organization {sign_ins.SLUG})" in printed
    for role, password in passwords(own_state).items():
        assert f"demo-{role}" in printed and password in printed
        assert Client().login(request=None, username=f"demo-{role}", password=password)
    organization = sign_ins.find_demo()
    assert organization
    with organization_scope(organization.id):
        assert sorted(Membership.objects.values_list("role", flat=True)) == ["admin", "expert", "manager", "member"]


def test_a_second_time_prints_the_same_and_adds_nothing() -> None:
    first = seed()
    assert seed() == first
    assert User.objects.count() == 4
    organization = sign_ins.find_demo()
    assert organization
    with organization_scope(organization.id):
        assert not ApiKey.objects.exists()  # nobody asked for one


def test_only_the_administrator_is_staff() -> None:
    seed()
    assert list(User.objects.filter(is_staff=True).values_list("username", flat=True)) == ["demo-admin"]


def test_the_files_are_closed_to_other_accounts(own_state: Path) -> None:
    seed()
    for name in ("sign-ins.txt", "demo-access.json"):
        assert stat.S_IMODE((own_state / name).stat().st_mode) == 0o600


def test_a_password_that_was_changed_stays_and_is_not_printed(own_state: Path) -> None:
    seed()
    expert = User.objects.get(username="demo-expert")
    expert.set_password("chosen by the expert")
    expert.save()
    assert sign_ins.CHANGED in seed() and sign_ins.CHANGED in seed()
    expert.refresh_from_db()
    assert expert.check_password("chosen by the expert")


def test_a_lost_file_gives_new_passwords(own_state: Path) -> None:
    seed()
    (own_state / "demo-access.json").unlink()
    seed()
    assert User.objects.get(username="demo-admin").check_password(passwords(own_state)["admin"])


def test_the_keys_can_do_what_they_are_for_and_are_seen_by_the_demo_alone(organization: Organization) -> None:
    sign_ins.seed_for_playing()
    demo = sign_ins.find_demo()
    assert demo
    with organization_scope(demo.id):
        publishable, secret = resolve_api_key(sign_ins.publishable_key()), resolve_api_key(sign_ins.secret_key())
    assert publishable and secret
    assert publishable.scopes == {"feedback"} and secret.scopes == {"ingest", "read", "manage"}
    with organization_scope(organization.id):
        assert sign_ins.publishable_key() == "" == sign_ins.secret_key()


def test_playing_makes_two_keys_that_say_what_they_are_for_and_a_second_time_none() -> None:
    organization = sign_ins.seed_for_playing()
    assert sign_ins.seed_for_playing() == organization
    with organization_scope(organization.id):
        names = list(ApiKey.objects.order_by("name").values_list("name", flat=True))
    assert names == ["Made by the demo for its application", "Made by the demo for the page /demo/"]


def test_a_key_that_was_revoked_is_not_used_on_the_demo_page_and_a_start_makes_no_other() -> None:
    organization = sign_ins.seed_for_playing()
    with organization_scope(organization.id):
        assert sign_ins.publishable_key()
        for key in ApiKey.objects.all():
            revoke_api_key(key=key)
        assert sign_ins.publishable_key() == "" == sign_ins.secret_key()
    seed()
    with organization_scope(organization.id):
        assert ApiKey.objects.count() == 2
