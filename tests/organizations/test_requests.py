"""Who may ask: keys, sessions, origins, and what is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.urls import path

from learning.models import Agent
from organizations.keys import digest_of
from organizations.models import ApiKey, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import StrangerAPIClient, StrangerClient
from tests.conftest import api_with

LOCK = 7_021_177  # in the database; nobody else takes it


def test_an_unknown_key_is_refused_with_a_problem_document(anonymous_api: StrangerAPIClient) -> None:
    anonymous_api.credentials(HTTP_AUTHORIZATION="Bearer sk_unknown")
    response = anonymous_api.get("/api/learning/stats")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "This API key is unknown, was revoked or has expired."


def test_a_key_without_the_scope_is_refused(organization: Organization) -> None:
    assert api_with(factories.make_key(organization, scopes=["ingest"])).get("/api/learning/stats").status_code == 403


def test_a_key_with_origins_works_in_pages_of_those_origins_alone(organization: Organization) -> None:
    key = factories.make_key(organization, kind="publishable", allowed_origins=["https://shop.example"])
    body = {"agent_id": "a", "feedback_type": "thumbs_up"}
    for origin, refused in (("https://shop.example", False), ("https://evil.example", True)):
        response = api_with(key).post("/api/learning/feedback", body, format="json", HTTP_ORIGIN=origin)
        assert (response.status_code == 403) == refused, origin


def test_a_page_sends_strangers_to_the_sign_in(db: None) -> None:
    response = StrangerClient().get("/admin/learning/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=/admin/learning/")


def test_a_person_without_a_membership_is_told_so(db: None) -> None:
    from organizations.models import User

    client = StrangerClient()
    client.force_login(User.objects.create_user("nobody"), backend="django.contrib.auth.backends.ModelBackend")
    response = client.get("/admin/learning/")
    assert response.status_code == 403
    assert b"not a member" in response.content


def test_a_person_works_in_the_organization_they_chose(
    sign_in: Any, organization: Organization, other_organization: Organization
) -> None:
    from organizations.services import add_member
    from tests.clients_in_process import outside_scope

    client = sign_in("admin")
    with outside_scope(), organization_scope(other_organization.id):
        add_member(user=client.user, role="member")
    client.post("/admin/learning/organization/", {"organization": str(other_organization.id)})
    assert b"Birch" in client.get("/admin/learning/").content


def test_a_person_cannot_choose_an_organization_they_do_not_belong_to(
    sign_in: Any, other_organization: Organization
) -> None:
    response = sign_in("admin").post("/admin/learning/organization/", {"organization": str(other_organization.id)})
    assert response.status_code == 404


def test_a_session_needs_the_csrf_token_for_a_change(sign_in: Any, organization: Organization) -> None:
    client = StrangerAPIClient(enforce_csrf_checks=True)
    client.force_login(factories.make_user(organization), backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/api/learning/agents", {"agent_id": "x"}, format="json").status_code == 403


def test_asking_for_the_head_of_a_button_presses_nothing(sign_in: Any, scope: Organization) -> None:
    key = ApiKey.objects.get(digest=digest_of(factories.make_key(scope)))
    assert sign_in("admin").head(f"/admin/learning/keys/{key.pk}/revoke").status_code == 405
    key.refresh_from_db()
    assert key.revoked_at is None
    assert sign_in("admin").head("/admin/learning/keys/").status_code == 200


def breaks(request: Any) -> HttpResponse:
    Agent.objects.create(external_id="half", name="half")
    raise RuntimeError("after the first row")


class BreakingRoutes:
    urlpatterns = [path("breaks", breaks)]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_breaks_leaves_nothing_behind(settings: Any) -> None:
    organization = factories.make_organization()
    client = api_with(factories.make_key(organization))
    client.raise_request_exception = False
    settings.ROOT_URLCONF = BreakingRoutes
    assert client.get("/breaks").status_code == 500
    with organization_scope(organization.id):
        assert not Agent.objects.exists()


def finds_no_database(request: Any) -> HttpResponse:
    raise OperationalError("terminating connection due to unexpected postmaster exit")


def waits_for_a_lock(request: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '20ms'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def takes_too_long(request: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20ms'")
        cursor.execute("SELECT pg_sleep(60)")


class BusyRoutes:
    urlpatterns = [
        path("api/locked", waits_for_a_lock),
        path("locked", waits_for_a_lock),
        path("api/slow", takes_too_long),
        path("slow", takes_too_long),
    ]


@pytest.fixture
def locked(db: None) -> Iterator[None]:
    """Another connection holds LOCK."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


@pytest.mark.parametrize(
    ("address", "trouble"),
    [
        ("/api/locked", "another request holds what this one needs."),
        ("/locked", "another request holds what this one needs."),
        ("/api/slow", "this took longer than it may."),
        ("/slow", "this took longer than it may."),
    ],
)
def test_a_database_that_is_busy_is_not_called_away(
    settings: Any, organization: Organization, locked: None, address: str, trouble: str
) -> None:
    settings.ROOT_URLCONF = BusyRoutes
    answer = api_with(factories.make_key(organization)).get(address)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert f"The database is busy: {trouble}" in answer.content.decode()


class LostRoutes:
    urlpatterns = [path("api/lost", finds_no_database), path("lost", finds_no_database)]


@pytest.mark.parametrize("address", ["/api/lost", "/lost"])
def test_a_database_that_goes_away_outside_of_the_view_is_no_defect_of_ours(
    settings: Any, organization: Organization, address: str
) -> None:
    """As at the savepoint around a view, which REST framework's handler does not see."""
    settings.ROOT_URLCONF = LostRoutes
    answer = api_with(factories.make_key(organization)).get(address)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database is not reachable at the moment." in answer.content.decode()
