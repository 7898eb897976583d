"""Earlier spellings of addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import Resolver404, resolve

from project.aliases import path_of_today


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("/api/learning/annotation-queue", "/api/learning/annotations/queue"),
        ("/api/learning/annotation/queue", "/api/learning/annotations/queue"),
        ("/api/learning/annotation/queue/", "/api/learning/annotations/queue"),
        ("/api/learning/annotation/submit", "/api/learning/annotations"),
        ("/api/learning/training/run", "/api/learning/training-runs"),
        ("/api/learning/training/runs", "/api/learning/training-runs"),
        ("/api/v2/learning/feedback/analytics", "/api/learning/feedback/analytics"),
        ("/api/v2/learning/agents/cook/patterns", "/api/learning/agents/cook/patterns"),
        ("/api/v2/learning/correlations/cook", "/api/learning/agents/cook/correlations"),
        ("/api/v2/learning/learn/cook", "/api/learning/agents/cook/learn"),
        ("/api/learning/feedback/", "/api/learning/feedback"),
        ("/api/learning/feedback", "/api/learning/feedback"),
        ("/api/schema/", "/api/schema/"),
        ("/admin/learning/", "/admin/learning/"),
        ("/annotation/queue/", "/annotation/queue/"),
    ],
)
def test_an_earlier_spelling_leads_to_the_path_of_today(old: str, today: str) -> None:
    assert path_of_today(old) == today


@pytest.mark.parametrize("path", ["/api/learning/feedback/stats", "/api/v2/learning/feedback/analytics"])
def test_the_paths_of_today_exist(path: str) -> None:
    assert resolve(path_of_today(path))


def test_an_alias_is_as_closed_as_the_path_it_leads_to(anonymous_api: Any, api: Any) -> None:
    with pytest.raises(Resolver404):
        resolve("/api/v2/learning/feedback/analytics")
    assert anonymous_api.get("/api/v2/learning/feedback/analytics").status_code == 401
    assert api.get("/api/v2/learning/feedback/analytics").status_code == 200
