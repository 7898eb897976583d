"""The sweep over every table and every route as a stranger. A table or route that is new and tells something fails.

The organization whose rows nobody may see is filled once for all these tests: each is a savepoint in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path

from annotation.models import AnnotationDraft
from learning.models import LearningExample
from organizations.models import Organization, OrganizationModel
from organizations.scope import organization_scope
from organizations.tasks import organization_ids
from tests import factories
from tests.architecture.addresses import address, closed_routes
from tests.architecture.reach import NOBODYS, names_to_try
from tests.architecture.rows import fill_every_table
from tests.clients_in_process import StrangerAPIClient, StrangerClient, outside_scope
from tests.database import undone

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, OrganizationModel) or model is Organization]
METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS = (401, 403, 404, 405)


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """An organization with at least one row in every table, each text with a marker."""
    with ExitStack() as transaction:
        with django_db_blocker.unblock():
            transaction.enter_context(undone())
            made = fill_every_table(factories.make_organization("Aster"))
        yield made  # only tests that say so reach the database meanwhile
        with django_db_blocker.unblock():
            transaction.close()


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


def findings_anonymous(route: str, client: Any) -> list[str]:
    """What a stranger without a key or session can do at a route; nothing when it is closed."""
    found = []
    for method in METHODS:
        response = getattr(client, method)(address(route, NOBODYS[0]))
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
    for name, client in clients.items():
        for method in asks[name]:
            yield from ((name, row, method) for row in rows_of(route, getattr(client, method), filled))


def rows_of(route: str, ask: Callable[[str], Any], filled: dict[str, Any]) -> list[str]:
    """The names of the rows that are worth asking for, each address once."""
    names = names_to_try(route, lambda name: ask(address(route, name)), filled["names"])
    return list({address(route, name): name for name in names}.values())


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


def leaky_about(request: Any, example: str) -> HttpResponse:
    """The same mistake with what is found by the row that it belongs to."""
    for organization_id in organization_ids():
        with outside_scope(), organization_scope(organization_id):
            draft = AnnotationDraft.objects.filter(example=example).first()
            if draft:
                return JsonResponse(draft.content)
    raise Http404


class PlantedRoutes:
    urlpatterns = [path("planted/<uuid:pk>", leaky), path("planted/about/<uuid:example>", leaky_about)]


@pytest.mark.parametrize("route", ["planted/<uuid:pk>", "planted/about/<uuid:example>"])
def test_a_new_route_that_forgets_the_tenant_is_noticed(
    route: str, filled: dict[str, Any], anonymous_api: StrangerAPIClient, other_api: StrangerAPIClient, settings: Any
) -> None:
    settings.ROOT_URLCONF = PlantedRoutes
    for client in (other_api, anonymous_api):
        found = findings_foreign(route, {"key": client}, filled)
        assert f"get {route} shows another organization's row" in found


def _tells(response: Any, filled: dict[str, Any]) -> bool:
    """Whether the marker that stands in every text of the filled organization is in the answer."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return filled["marker"].encode() in body


def test_the_marker_is_found_when_the_owner_of_the_rows_asks(filled: dict[str, Any], db: None) -> None:
    """The sweep would see a leak: the same lists do show the marker to its own organization."""
    own = StrangerAPIClient()
    own.credentials(HTTP_AUTHORIZATION=f"Bearer {factories.make_key(filled['organization'])}")
    assert _tells(own.get("/api/learning/examples"), filled)


@pytest.mark.parametrize(
    "route",
    [
        "admin/learning/agents/<uuid:agent_id>/",
        "admin/learning/executions/<str:execution_id>/",
        "api/learning/agents/<str:agent>/configs",
        "api/learning/annotations/drafts/<uuid:example>",
        "api/learning/examples/<str:pk>",
    ],
)
def test_whatever_its_owner_can_open_is_among_the_rows_that_are_tried(
    route: str, filled: dict[str, Any], db: None
) -> None:
    own = StrangerClient()
    own.force_login(filled["user"], backend="django.contrib.auth.backends.ModelBackend")
    everything = {name for names in filled["names"].values() for name in names}
    opened = {name for name in everything if own.get(address(route, name)).status_code == 200}
    tried = set(rows_of(route, own.get, filled))
    assert opened and opened <= tried
    assert len(tried) < len(everything) / 3, "most tables are left out"
