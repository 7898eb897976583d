"""Who may sign in to the first organization, and the API keys that the demo plays with.

Passwords and keys are random for each installation, made once, and kept where only we can read them: in
var/<name>/demo-access.json; sign-ins.txt beside it has the sign-ins for people to read.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from organizations.keys import create_api_key, resolve_api_key
from organizations.models import KeyKind, Organization, Role, User
from organizations.scope import current_scope, organization_scope
from organizations.services import add_member, create_organization
from organizations.tasks import organization_ids
from project.services.folders import state_folder
from project.services.place import Place

NAME, SLUG = "Demo", "demo"
CHANGED = "(changed by its owner)"
KEY_NAMES = {
    KeyKind.SECRET: "Made by the demo for its application",
    KeyKind.PUBLISHABLE: "Made by the demo for the page /demo/",
}


def seed() -> Organization:
    """The first organization, with one person for each role. What is there already stays as it is."""
    organization = find_demo() or create_organization(name=NAME, slug=SLUG)
    access = _access_to(organization)
    with organization_scope(organization.id):
        people = {role: _seed_person(role, access["people"].get(role, {})) for role in Role.values}
    _write(_path(), json.dumps(access | {"people": people}, indent=2))
    _write(_path().with_name("sign-ins.txt"), _as_text(people))
    return organization


def seed_for_playing() -> Organization:
    """The same with two keys, for whoever plays the demo: nobody else is given keys that they did not ask for."""
    organization = seed()
    access = _access_to(organization)
    with organization_scope(organization.id):
        keys = {kind: _seed_key(kind, access["keys"].get(kind, ""), organization.id) for kind in KeyKind.values}
    _write(_path(), json.dumps(access | {"keys": keys}, indent=2))
    return organization


def find_demo() -> Organization | None:
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            found = Organization.objects.filter(id=organization_id, slug=SLUG).first()
        if found:
            return found
    return None


def demo_user(role: str) -> User:
    """The demo's person with a role. Raises User.DoesNotExist before `seed`."""
    return User.objects.get(username=_username(role))


def publishable_key() -> str:
    """The key for the demo pages; empty unless the demo has made it, it works, and its organization is in scope."""
    return _key_in_scope(KeyKind.PUBLISHABLE)


def secret_key() -> str:
    """The key of the demo's application; empty as above."""
    return _key_in_scope(KeyKind.SECRET)


def read_sign_ins() -> str:
    """What `seed` wrote for people to read."""
    return _path().with_name("sign-ins.txt").read_text()


def _access_to(organization: Organization) -> dict[str, Any]:
    """What was handed out before; nothing when it was to another organization."""
    access = _read()
    if access.get("organization_id") == str(organization.id):
        return access
    return {"organization_id": str(organization.id), "people": {}, "keys": {}}


def _seed_person(role: str, known: dict[str, str]) -> dict[str, str]:
    """{"password", "hash"}: what was handed out, or that the person has chosen another one meanwhile."""
    user, created = User.objects.get_or_create(username=_username(role), defaults={"is_staff": role == Role.ADMIN})
    if created:
        add_member(user=user, role=role)
    if created or not known:
        # Whoever's password we do not know any more (var/ was emptied) gets a new one.
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
        return {"password": password, "hash": user.password}
    # Checking a password takes a third of a second by design; the same hash needs no check.
    if user.password == known["hash"] or user.check_password(known["password"]):
        return known | {"hash": user.password}
    return {"password": CHANGED, "hash": user.password}


def _as_text(people: dict[str, dict[str, str]]) -> str:
    lines = [f"    {_username(role):14} {one['password']:24} {Role(role).label}" for role, one in people.items()]
    title = f"Sign in to see {NAME} (in commands: --organization {SLUG}). User name, password, role:"
    return "\n".join([title, *lines, ""])


def _seed_key(kind: str, key: str, organization_id: UUID) -> str:
    known = resolve_api_key(key) if key else None
    if known and known.organization_id == organization_id:
        return key
    return create_api_key(name=KEY_NAMES[KeyKind(kind)], kind=kind)[1]


def _username(role: str) -> str:
    return f"{SLUG}-{role}"


def _key_in_scope(kind: str) -> str:
    scope, access = current_scope(), _read()
    if scope is None or access.get("organization_id") != str(scope.organization_id):
        return ""
    key = str(access["keys"].get(kind, ""))
    return key if key and resolve_api_key(key) else ""  # somebody may have revoked it


def _path() -> Path:
    return Place(settings.SERVICES_NAME).state / "demo-access.json"


def _read() -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(_path().read_text())
    except FileNotFoundError:
        return {}
    return document


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and closed to everybody else from the start."""
    state_folder(Place(settings.SERVICES_NAME))
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
