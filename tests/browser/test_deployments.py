"""A deployment is taken back with one click, and users get the config before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from experiments.services.deployments import deploy_config
from learning.models import Agent
from organizations.models import Role, User
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deployment_is_rolled_back_with_one_click(signed_in: Callable[[User], Page], live_server: Any) -> None:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Critic")
        first, second = factories.make_config(agent), factories.make_config(agent)
        for config in (first, second):
            deploy_config(agent=agent, config=config)
    page = signed_in(factories.make_user(organization, Role.ADMIN))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{live_server.url}/admin/learning/deployments/")
    page.get_by_test_id("rollback").first.click()
    expect(page.locator(".messages, [role=status]").first).to_contain_text("no longer serves")
    with organization_scope(organization.id):
        assert Agent.objects.get(pk=agent.pk).serving_config == first
