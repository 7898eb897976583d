"""Django's admin: everything of learning to look at, nothing to change."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

# Django's admin cannot show a table whose rows have no key of one column.
MODELS = [model for model in apps.get_app_config("learning").get_models() if model._meta.pk.name == "id"]


@pytest.fixture
def operator(sign_in: Any) -> Any:
    return staff(sign_in("admin"))


def staff(client: Any) -> Any:
    client.user.is_staff = True
    client.user.save()
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_every_table_is_shown_with_its_filters(operator: Any, model: Any) -> None:
    options = admin.site.get_model_admin(model)
    answer = operator.get(f"/admin/learning/{model._meta.model_name}/", follow=False)
    assert answer.status_code == 200
    assert not any(
        (options.has_add_permission(answer.wsgi_request), options.has_change_permission(answer.wsgi_request))
    )
    assert operator.get(f"/admin/learning/{model._meta.model_name}/add/").status_code == 403


def test_a_row_is_shown_and_cannot_be_changed(operator: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        example = factories.make_example(factories.make_agent(), input_text="<b>bold</b>")
    address = f"/admin/learning/learningexample/{example.pk}/change/"
    answer = operator.get(address)
    assert answer.status_code == 200
    assert b"&lt;b&gt;bold" in answer.content
    assert b'name="_save"' not in answer.content
    assert operator.post(address, {"review_status": "approved"}).status_code == 403
    assert operator.post(f"/admin/learning/learningexample/{example.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_sealed_examples_of_a_version_are_not_shown(operator: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        version = factories.make_published_version(factories.make_agent(), examples=40)
        sealed = version.items.filter(split="test").first()
        opened = version.items.exclude(split="test").first()
    listed = operator.get("/admin/learning/datasetexample/").content.decode()
    assert opened.input_text in listed
    assert sealed.input_text not in listed
    assert operator.get(f"/admin/learning/datasetexample/{sealed.pk}/change/").status_code == 302


def test_rows_of_another_organization_are_not_there(operator: Any, other_organization: Organization) -> None:
    with organization_scope(other_organization.id):
        agent = factories.make_agent(name="Secret agent")
    assert b"Secret agent" not in operator.get("/admin/learning/agent/").content
    assert operator.get(f"/admin/learning/agent/{agent.pk}/change/").status_code == 302


@pytest.mark.parametrize("role", ["member", "expert", "manager"])
def test_the_tables_are_for_administrators(sign_in: Any, role: str) -> None:
    assert staff(sign_in(role)).get("/admin/learning/agent/").status_code == 403


def test_a_table_counts_no_further_than_it_must(operator: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        operator.get("/admin/learning/execution/")
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)
