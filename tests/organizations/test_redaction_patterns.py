"""An organization's own redaction patterns: kept, tried, switched, by administrators alone."""

from __future__ import annotations

from typing import Any

import pytest

from organizations import redaction_patterns as patterns
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization, RedactionPattern
from organizations.scope import organization_scope

PAGE = "/admin/learning/redaction/"


def test_a_pattern_is_kept_and_audited(scope: Organization) -> None:
    patterns.create_pattern(name="CUSTOMER", pattern=r"\bC-(\d{6})\b")
    assert patterns.active_patterns() == (("CUSTOMER", r"\bC-(\d{6})\b"),)
    event = AuditEvent.objects.get(action="redactionpattern.created")
    assert event.after == {"name": "CUSTOMER", "pattern": r"\bC-(\d{6})\b", "active": True}


@pytest.mark.parametrize(
    ("name", "pattern", "field"),
    [("customer", "x", "name"), ("EMAIL", "x", "name"), ("X", "(", "pattern"), ("X", "a*", "pattern")],
)
def test_what_cannot_work_is_refused_with_the_field(scope: Organization, name: str, pattern: str, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        patterns.create_pattern(name=name, pattern=pattern)
    assert refusal.value.field == field
    assert not RedactionPattern.objects.exists()


def test_a_name_is_given_once(scope: Organization) -> None:
    patterns.create_pattern(name="CASE", pattern="one")
    with pytest.raises(Conflict):
        patterns.create_pattern(name="CASE", pattern="two")


def test_a_changed_pattern_is_audited_with_what_it_was_and_one_unchanged_is_not(scope: Organization) -> None:
    row = patterns.create_pattern(name="CASE", pattern="one")
    patterns.change_pattern(row=row, pattern="one", active=True)
    assert not AuditEvent.objects.filter(action="redactionpattern.changed").exists()
    patterns.change_pattern(row=row, pattern="two", active=False)
    event = AuditEvent.objects.get(action="redactionpattern.changed")
    assert (event.before["pattern"], event.after["pattern"], event.after["active"]) == ("one", "two", False)
    assert patterns.active_patterns() == ()


def test_no_more_are_switched_on_than_every_text_can_bear(scope: Organization, monkeypatch: Any) -> None:
    monkeypatch.setattr(patterns, "MOST_ACTIVE", 1)
    patterns.create_pattern(name="ONE", pattern="one")
    with pytest.raises(Refused):
        patterns.create_pattern(name="TWO", pattern="two")
    second = patterns.create_pattern(name="TWO", pattern="two", active=False)
    with pytest.raises(Refused):
        patterns.change_pattern(row=second, active=True)


def test_trying_a_pattern_shows_what_would_be_learned_and_keeps_nothing(sign_in: Any, scope: Organization) -> None:
    page = sign_in("admin").post(
        PAGE, {"name": "CASE", "pattern": r"K\d+", "text": "K77 of a@b.org, again K77, <b>", "try": "on"}
    )
    assert "&lt;CASE_1&gt; of &lt;EMAIL_1&gt;, again &lt;CASE_1&gt;, &lt;b&gt;" in page.content.decode()
    assert not RedactionPattern.objects.exists()


def test_an_administrator_keeps_a_pattern_and_switches_it_off(sign_in: Any, scope: Organization) -> None:
    client = sign_in("admin")
    assert client.post(PAGE, {"name": "CASE", "pattern": r"K\d+"}).status_code == 302
    row = RedactionPattern.objects.get()
    assert row.active
    assert client.post(f"{PAGE}{row.pk}/switch", {}).status_code == 302
    row.refresh_from_db()
    assert not row.active
    assert "CASE" in client.get(PAGE).content.decode()


def test_a_manager_may_not_see_the_patterns(sign_in: Any, scope: Organization) -> None:
    assert sign_in("manager").get(PAGE).status_code == 403


def test_another_organization_has_patterns_of_its_own(
    organization: Organization, other_organization: Organization, sign_in: Any
) -> None:
    with organization_scope(organization.pk):
        row = patterns.create_pattern(name="CASE", pattern="one")
    with organization_scope(other_organization.pk):
        assert patterns.active_patterns() == ()
    client = sign_in("admin", other_organization)
    assert client.post(f"{PAGE}{row.pk}/switch", {}).status_code == 404


@pytest.mark.parametrize("pattern", [r"\w", ".", "[a-z]+", " ", "e"])
def test_a_pattern_that_would_destroy_texts_is_refused_before_there_are_any(scope: Organization, pattern: str) -> None:
    with pytest.raises(Refused, match="cannot be brought back") as refusal:
        patterns.create_pattern(name="CASE", pattern=pattern)
    assert refusal.value.field == "pattern"
    assert not RedactionPattern.objects.exists()


def test_a_pattern_cannot_become_too_broad_later(scope: Organization) -> None:
    row = patterns.create_pattern(name="CASE", pattern=r"K\d+")
    with pytest.raises(Refused, match="of an ordinary text"):
        patterns.change_pattern(row=row, pattern=r"\w+")
    RedactionPattern.objects.update(pattern=r"\w+", active=False)
    with pytest.raises(Refused, match="of an ordinary text"):
        patterns.change_pattern(row=row, active=True)


def test_the_page_says_how_much_a_broad_pattern_would_change(sign_in: Any, scope: Organization) -> None:
    page = sign_in("admin").post(PAGE, {"name": "CASE", "pattern": r"\S+"})
    assert "This pattern would change 100% of an ordinary text" in page.content.decode()
