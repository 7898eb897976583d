"""Every link that a person is shown opens for them, and every page that they may open has a link that leads to it.

The organization has learned and has a row in every table; names and texts have signs that mean something in addresses.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseNotFound

from annotation.models import Decision
from annotation.services.opinions import Opinion
from annotation.services.records import record_annotation
from experiments.services.deployments import deploy_config
from learning.models import TrainingRun
from learning.services.datasets import create_dataset
from learning.services.publication import publish_version
from organizations.models import Organization, RedactionPattern, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.architecture import rows
from tests.architecture.addresses import routes
from tests.architecture.crawling import visit
from tests.browser.hostile import SHAPED, say_it_all

START = "/admin/learning/"
# Pages that nothing leads to, each with its reason.
WITHOUT_A_LINK = {
    "admin/learning/demo-progress": "a part of the dashboard, which fetches it while the demo plays",
}
FEWEST = {Role.MEMBER: 12, Role.EXPERT: 16, Role.MANAGER: 40, Role.ADMIN: 55}  # pages met, or the visit proves nothing


def pages_for(client: Any) -> set[str]:
    """Every route without a parameter that shows this person a page."""
    found = set()
    for route, _ in routes():
        if "<" in route or route.startswith(("api/learning/", "api/schema/", "v1/")):
            continue
        answer = client.get(f"/{route}")
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found.add(route)
    return found


def learn_from(expert: User, organization: Organization) -> None:
    """Reviews of this person that went into a version, from which a run made a config that serves."""
    with organization_scope(organization.id):
        agent = factories.make_agent()
        base = factories.make_config(agent)
        for _ in range(3):
            example = factories.make_example(agent)
            record_annotation(example=example, expert=expert, opinion=Opinion(decision=Decision.APPROVE))
        version = publish_version(dataset=create_dataset(name="Corrections", agent=agent))
        run = TrainingRun.objects.create(
            name="Run", agent=agent, base_config=base, dataset_version=version, training_type="prompt_optimization"
        )
        learned = factories.make_config(agent, parent=base, training_run=run)
        run.candidate_config = learned
        run.save()
        deploy_config(agent=agent, config=learned)


@pytest.mark.parametrize("role", Role.values)
def test_every_link_opens_for_whoever_sees_it_and_every_page_has_one(
    role: str, organization: Organization, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(role)
    learn_from(client.user, organization)
    say_it_all(organization)
    for label, values in SHAPED.items():
        monkeypatch.setitem(rows.SPECIAL, label, rows.SPECIAL.get(label, {}) | values)
    rows.fill_every_table(organization)
    with organization_scope(organization.id):
        RedactionPattern.objects.update(active=False)  # a made-up row finds nothing
    met = visit(client, START)
    assert met.broken == [], "\n".join(met.broken)
    assert met.pages >= FEWEST[Role(role)]
    assert sorted(pages_for(client) - met.routes - set(WITHOUT_A_LINK)) == []


@pytest.mark.parametrize("role", Role.values)
def test_links_of_an_organization_that_begins_open_too(role: str, sign_in: Any) -> None:
    met = visit(sign_in(role), START)
    assert met.broken == [], "\n".join(met.broken)
    assert met.pages >= 8


class Site:
    """Pages by address, as a client gets them."""

    def __init__(self, **pages: str) -> None:
        self.pages = pages

    def get(self, address: str) -> HttpResponse:
        name = address.strip("/")
        return HttpResponse(self.pages[name]) if name in self.pages else HttpResponseNotFound()


def test_a_link_that_leads_nowhere_is_noticed() -> None:
    site = Site(
        start='<a href="/next">Next</a>', next='<a href="gone?x=1#part">On</a> <a href="http://a.example/">A</a>'
    )
    met = visit(site, "/start")
    assert met.broken == ["/next leads to /gone?x=1: 404"]
    assert met.routes >= {"/start", "/next"}


def test_the_exceptions_are_pages_that_exist() -> None:
    assert set(WITHOUT_A_LINK) <= {route for route, _ in routes()}
    assert all(reason.strip() for reason in WITHOUT_A_LINK.values())
