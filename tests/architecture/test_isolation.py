"""The sweep over every table and every route. A table or route that is new and unprotected makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.http import Http404, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path

from learning.models import LearningExample
from organizations.fields import TenantForeignKey, TenantOneToOneField
from organizations.models import Organization, OrganizationModel
from organizations.protection import tenant_foreign_keys
from organizations.scope import organization_scope
from organizations.tasks import organization_ids
from tests import factories
from tests.architecture.register import OPEN_ROUTES, SYSTEM_TABLES
from tests.architecture.rows import fill_every_table
from tests.clients_in_process import StrangerAPIClient, outside_scope
from tests.database import owner_connection

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, OrganizationModel) or model is Organization]

UNPROTECTED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relname = ANY(%s)
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')  -- an extension's own views
  AND has_any_column_privilege('als_app', c.oid, 'SELECT, INSERT, UPDATE')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid
      AND pg_get_expr(p.polqual, c.oid) LIKE '%%app.organization_id%%'
      AND pg_get_expr(p.polwithcheck, c.oid) LIKE '%%app.organization_id%%'))
ORDER BY 1
"""


def unprotected_tables(cursor: Any) -> list[str]:
    """Tables that the application can reach and that no policy guards, apart from the registered ones."""
    cursor.execute(UNPROTECTED, [list(SYSTEM_TABLES)])
    return [row[0] for row in cursor.fetchall()]


def test_every_table_is_protected_or_registered_with_a_reason(db: None) -> None:
    with connection.cursor() as cursor:
        assert unprotected_tables(cursor) == []
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"
        )
        existing = {row[0] for row in cursor.fetchall()}
    assert set(SYSTEM_TABLES) <= existing, "the register names tables that are gone"
    assert all(reason.strip() for reason in SYSTEM_TABLES.values())


def test_no_role_of_the_application_may_truncate_or_owns_a_table(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
            " AND c.relkind IN ('r', 'p') AND (has_table_privilege('als_app', c.oid, 'TRUNCATE, REFERENCES, TRIGGER')"
            " OR pg_has_role('als_app', c.relowner, 'MEMBER'))"
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_a_table_shows_a_stranger_nothing(
    model: type[models.Model], filled: dict[str, Any], other_organization: Organization
) -> None:
    with organization_scope(filled["organization"].id):
        assert model._default_manager.exists(), f"tests/architecture/rows.py makes no {model._meta.label}"
    with organization_scope(other_organization.id):
        seen = model._default_manager.exclude(pk=other_organization.pk)
        assert not seen.filter(pk__in=filled["keys"][model]).exists()
    with outside_scope():
        assert model._default_manager.count() == 0


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_dropping_the_policy_of_a_table_is_noticed(model: type[models.Model], db: None) -> None:
    table = model._meta.db_table
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        owner.execute(f'DROP POLICY organization ON "{table}"')
        owner.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
        cursor = owner.cursor()
        assert unprotected_tables(cursor) == [table]


def test_a_new_table_without_a_policy_is_noticed(db: None) -> None:
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        owner.execute("CREATE TABLE forgotten (id int)")
        owner.execute("GRANT SELECT ON forgotten TO als_app")
        assert unprotected_tables(owner.cursor()) == ["forgotten"]


def test_foreign_keys_between_tenants_carry_the_organization() -> None:
    for model in TENANT_MODELS:
        for field in model._meta.local_fields:
            target = field.remote_field.model if field.is_relation else None
            if target in TENANT_MODELS and target is not Organization:
                assert isinstance(field, TenantForeignKey | TenantOneToOneField), f"{model._meta.label}.{field.name}"


def test_foreign_keys_between_tenants_are_composite_in_the_database(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, (SELECT string_agg(attname, ',' ORDER BY k.n)"
            " FROM unnest(conkey) WITH ORDINALITY k(num, n)"
            " JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.num)"
            " FROM pg_constraint WHERE contype = 'f'"
        )
        present = set(cursor.fetchall())
    for model in TENANT_MODELS:
        for field in tenant_foreign_keys(model):
            assert (model._meta.db_table, f"organization_id,{field.column}") in present, (
                f"{model._meta.label}.{field.name}"
            )


def test_every_index_of_a_tenant_table_begins_with_the_organization(db: None) -> None:
    tables = [model._meta.db_table for model in TENANT_MODELS if model is not Organization]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]"
            " WHERE c.relname = ANY(%s) AND NOT x.indisprimary AND a.attname <> 'organization_id'"
            " AND i.relname NOT LIKE 'organizations_apikey_digest%%' AND i.relname <> 'api_key_prefix'"
            " AND i.relname NOT LIKE 'organizations_membership_user_id%%'",
            [tables],
        )  # before the organization is known: a key by its digest (a token's: prefix), memberships by the person
        assert cursor.fetchall() == []


# ---------------------------------------------------------------------------------------------- routes


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the product apart from Django's own admin, with its view."""
    for pattern in patterns or get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def address(pattern_route: str, value: str) -> str:
    """A concrete address for a route, each parameter replaced by `value`."""
    import re

    text = re.sub(r"<int:\w+>", "1", pattern_route)  # the number that every made row has
    text = re.sub(r"<(?:\w+:)?\w+>", value, text)
    text = re.sub(r"\(\?P<\w+>[^()]*(?:\([^()]*\)[^()]*)*\)", value, text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\", "").replace("/?", "").lstrip("/")


def closed_routes() -> list[str]:
    """Every route apart from the registered open ones."""
    found = sorted({route for route, _ in routes()})
    return [route for route in found if route not in OPEN_ROUTES]


METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS = (401, 403, 404, 405)
SOME_ID = "01a1fc82-37da-7159-b74f-6823bb618808"


def findings_anonymous(route: str, client: Any) -> list[str]:
    """What a stranger without a key or session can do at a route; nothing when it is closed."""
    found = []
    for method in METHODS:
        response = getattr(client, method)(address(route, SOME_ID))
        to_login = response.status_code == 302 and "/login/" in response["Location"]
        if not to_login and response.status_code not in REFUSALS:
            found.append(f"{method} {route}: {response.status_code}")
    return found


def findings_foreign(route: str, clients: dict[str, Any], filled: dict[str, Any]) -> list[str]:
    """What another organization's key or administrator gets at a route for rows that are not theirs."""
    found = []
    for name, row, method in attempts(route, clients, filled):
        response = getattr(clients[name], method)(address(route, row))
        if response.status_code >= 500:
            found.append(f"{method} {route}: {response.status_code}")
        if _tells(response, filled):
            found.append(f"{method} {route} shows another organization's row")
        if row and method == "get" and response.status_code == 200 and not _is_search(route):
            found.append(f"{method} {route} answers 200 for another organization's row")
    return found


def attempts(route: str, clients: dict[str, Any], filled: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Who asks for which row in which way: keys at the API by every method, people at the pages by theirs."""
    if "<" not in route:
        yield from ((name, "", "get") for name in clients)
        return
    asks = {"key": METHODS if "admin/" not in route else (), "person": ("get",) if "api/" in route else ("get", "post")}
    for row in filled["all_ids"]:
        yield from ((name, row, method) for name in clients for method in asks[name])


def _is_search(route: str) -> bool:
    """Statistics by agent name answer with zeros for a name that is not there."""
    return "/stats/" in route or "/issues/" in route


@pytest.mark.parametrize("route", closed_routes())
def test_a_route_is_closed_to_those_who_did_not_sign_in(route: str, anonymous_api: StrangerAPIClient) -> None:
    assert findings_anonymous(route, anonymous_api) == []


@pytest.mark.parametrize("route", closed_routes())
def test_a_route_gives_another_organization_nothing(
    route: str, filled: dict[str, Any], other_api: StrangerAPIClient, sign_in: Any, other_organization: Organization
) -> None:
    clients = {"key": other_api, "person": sign_in("admin", inside=other_organization)}
    assert findings_foreign(route, clients, filled) == []


def leaky(request: Any, pk: str) -> HttpResponse:
    """A planted mistake: it forgets whose row it is, and works in whichever organization has it."""
    for organization_id in organization_ids():
        with outside_scope(), organization_scope(organization_id):
            example = LearningExample.objects.filter(pk=pk).first()
            if example:
                return HttpResponse(example.input_text)
    raise Http404


class PlantedRoutes:
    urlpatterns = [path("planted/<str:pk>", leaky)]


def test_a_new_route_that_forgets_the_tenant_is_noticed(
    filled: dict[str, Any], anonymous_api: StrangerAPIClient, other_api: StrangerAPIClient, settings: Any
) -> None:
    settings.ROOT_URLCONF = PlantedRoutes
    planted, rows = "planted/<str:pk>", filled | {"all_ids": [str(filled["rows"][LearningExample].pk)]}
    assert findings_foreign(planted, {"key": other_api}, rows)
    assert findings_foreign(planted, {"key": anonymous_api}, rows)


def _tells(response: Any, filled: dict[str, Any]) -> bool:
    """Whether the marker that stands in every text of the filled organization is in the answer."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return filled["marker"].encode() in body


@pytest.fixture
def filled(organization: Organization) -> dict[str, Any]:
    """An organization with at least one row in every table, each text with a marker."""
    return fill_every_table(organization)


def test_the_marker_is_found_when_the_owner_of_the_rows_asks(filled: dict[str, Any]) -> None:
    """The sweep would see a leak: the same lists do show the marker to its own organization."""
    own = StrangerAPIClient()
    own.credentials(HTTP_AUTHORIZATION=f"Bearer {factories.make_key(filled['organization'])}")
    assert _tells(own.get("/api/learning/examples"), filled)
