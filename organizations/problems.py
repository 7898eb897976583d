"""How the errors of a request are told: one message for each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Each leaf of a nested error detail as {"field": "items.3.rating", "message": ...}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from field_errors(inner, ".".join(part for part in (path, step) if part))
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, inner in enumerate(detail):
            yield from field_errors(inner, f"{path}.{index}" if path else str(index))
    elif isinstance(detail, list):
        for message in detail:
            yield {"field": path or "body", "message": str(message)}
    else:
        yield {"field": path or "body", "message": str(detail)}
