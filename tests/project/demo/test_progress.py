"""What the dashboard is told about the demo."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from organizations.models import Organization
from organizations.scope import organization_scope
from project.demo.progress import read_progress, write_progress


def test_the_dashboard_of_the_organization_sees_the_step(scope: Organization) -> None:
    write_progress(scope.id, step=2, steps=9, text="Users correct", done=3, total=10)
    progress = read_progress()
    assert progress and (progress["step"], progress["done"], progress["finished"]) == (2, 3, False)


def test_another_organization_sees_nothing(organization: Organization, other_organization: Organization) -> None:
    write_progress(organization.id, step=1, steps=9, text="Starting")
    with organization_scope(other_organization.id):
        assert read_progress() is None


def test_nobody_in_scope_sees_nothing(organization: Organization) -> None:
    write_progress(organization.id, step=1, steps=9, text="Starting")
    assert read_progress() is None


def test_a_cache_that_is_away_takes_nothing_with_it(scope: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("no broker")

    monkeypatch.setattr(cache, "get", fail)
    monkeypatch.setattr(cache, "set", fail)
    write_progress(scope.id, step=1, steps=9, text="Starting")
    assert read_progress() is None
