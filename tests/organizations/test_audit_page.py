"""The page of the audit: words instead of data structures, everything about one object, and the pages before."""

from __future__ import annotations

from typing import Any

import pytest

from organizations import audit, pages
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

AUDIT = "/admin/learning/audit/"


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_values_are_words_and_a_change_says_what_was_before(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
        audit.record(
            action="agent.changed",
            target=agent,
            before={"share": 5, "name": "same", "ends": None},
            after={"share": 50, "name": "same", "scopes": ["read", "ingest"], "is_open": True, "ends": "soon"},
        )
    page = text(sign_in("admin").get(AUDIT))
    assert "5 →</span> 50" in page and "read, ingest" in page and "is open:</span> yes" in page
    assert "same →" not in page and "– →" not in page
    assert "['read'" not in page and "None" not in page


def test_a_link_shows_all_that_happened_to_one_object(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        one, other = factories.make_agent(), factories.make_agent()
        audit.record(action="agent.praised", target=one)
        audit.record(action="agent.blamed", target=other)
    client = sign_in("admin")
    assert f'href="?type=agent&amp;id={one.pk}"' in text(client.get(AUDIT))
    page = text(client.get(AUDIT, {"type": "agent", "id": str(one.pk)}))
    assert "agent.praised" in page and "agent.blamed" not in page and "All events" in page


def test_older_events_are_on_the_next_page(
    sign_in: Any, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "AUDIT_ROWS", 2)
    with organization_scope(organization.id):
        agent = factories.make_agent()
        for number in range(3):
            audit.record(action=f"agent.step_{number}", target=agent)
    client, about = sign_in("admin"), {"type": "agent", "id": str(agent.pk)}
    newest = client.get(AUDIT, about)
    assert "agent.step_2" in text(newest) and "agent.step_0" not in text(newest)
    older = client.get(f"{AUDIT}{newest.context['older']}")
    assert "agent.step_0" in text(older) and "agent.step_2" not in text(older)
    assert client.get(AUDIT, {"before": "no id"}).status_code == 200
