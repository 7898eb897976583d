"""Addresses that were published earlier, and the slash at the end that some clients add."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase

# Earlier spelling -> the path of today. The first that matches the whole path counts.
ALIASES = [
    (re.compile(old), new)
    for old, new in (
        (r"/api/learning/annotation[-/]queue", "/api/learning/annotations/queue"),
        (r"/api/learning/annotation/submit", "/api/learning/annotations"),
        (r"/api/learning/training/runs?", "/api/learning/training-runs"),
        (r"/api/v2/learning/correlations/([^/]+)", r"/api/learning/agents/\1/correlations"),
        (r"/api/v2/learning/learn/([^/]+)", r"/api/learning/agents/\1/learn"),
        (r"/api/v2/learning/(.+)", r"/api/learning/\1"),
    )
]


def path_of_today(path: str) -> str:
    """The path that the product knows for a path that a client sends."""
    if not path.startswith(("/api/learning/", "/api/v2/learning/")):
        return path
    bare = path.rstrip("/")
    for old, new in ALIASES:
        match = old.fullmatch(bare)
        if match:
            return match.expand(new)
    return bare


class EarlierSpellings:
    """Takes earlier spellings to the views of today, so that they have no routes, and no rules, of their own."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        request.path_info = path_of_today(request.path_info)
        return self.get_response(request)
