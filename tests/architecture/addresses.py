"""Every address of the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.architecture.register import OPEN_ROUTES


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the product apart from Django's own admin, with its view."""
    for pattern in patterns or get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def closed_routes() -> list[str]:
    """Every route apart from the registered open ones."""
    found = sorted({route for route, _ in routes()})
    return [route for route in found if route not in OPEN_ROUTES]


def address(pattern_route: str, value: str) -> str:
    """A concrete address for a route, each parameter replaced by `value`."""
    text = re.sub(r"<int:\w+>", "1", pattern_route)  # the number that every made row has
    text = re.sub(r"<(?:\w+:)?\w+>", value, text)
    text = re.sub(r"\(\?P<\w+>[^()]*(?:\([^()]*\)[^()]*)*\)", value, text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\", "").replace("/?", "").lstrip("/")
