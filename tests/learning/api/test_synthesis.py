"""Asking for synthetic examples over HTTP and in the browser."""

from __future__ import annotations

from typing import Any

from learning.models import Job
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

PATH = "/api/learning/synthetic-examples"
PAGE = "/admin/learning/examples/synthetic/"


def test_a_job_is_started_for_what_is_trained_on(api: Any, sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_published_version(agent, examples=20)
    response = api.post(PATH, {"agent_id": agent.external_id, "variants": 1}, format="json")
    assert response.status_code == 202
    page = sign_in("manager").post(PAGE, {"agent": agent.pk, "variants": 2, "most_calls": 10})
    assert "/jobs/" in page["Location"]
    with organization_scope(organization.pk):
        requests = [job.request for job in Job.objects.filter(kind="synthesis").order_by("id")]
    assert [(one["variants"], one["most_calls"]) for one in requests] == [(1, 100), (2, 10)]


def test_without_anything_in_a_train_split_it_is_said_what_to_do(
    api: Any, sign_in: Any, organization: Organization
) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
    response = api.post(PATH, {"agent_id": agent.external_id}, format="json")
    assert (response.status_code, "Publish a dataset first" in response.json()["detail"]) == (400, True)
    page = sign_in("manager").post(PAGE, {"agent": agent.pk, "variants": 2, "most_calls": 10})
    assert "Publish a dataset first" in page.content.decode()


def test_another_organization_s_agent_is_not_there(other_api: Any, organization: Organization) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
    assert other_api.post(PATH, {"agent_id": str(agent.pk)}, format="json").status_code == 404


def test_an_expert_may_not_ask_for_any(sign_in: Any, organization: Organization) -> None:
    assert sign_in("expert").get(PAGE).status_code == 403
