"""Reading JSON that an earlier version may have written: what is missing or of another shape is left out."""

from __future__ import annotations

from math import isfinite
from typing import Any

LONGEST = 300  # characters of a text that was stored


def number(value: Any, key: str | None = None) -> float | None:
    """A finite number; None for anything else."""
    found = _of(value, key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        return None
    return float(found)


def whole(value: Any, key: str | None = None) -> int | None:
    found = number(value, key)
    return None if found is None else int(found)


def text(value: Any, key: str | None = None, most: int = LONGEST) -> str:
    """A text, cut; empty for anything else."""
    found = _of(value, key)
    return found[:most] if isinstance(found, str) else ""


def texts(value: Any, key: str | None = None) -> list[str]:
    """The texts of a list."""
    found = _of(value, key)
    return [one[:LONGEST] for one in found if isinstance(one, str)] if isinstance(found, list) else []


def objects(value: Any, key: str | None = None) -> list[dict[str, Any]]:
    """The objects of a list."""
    found = _of(value, key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def section(value: Any, key: str) -> dict[str, Any]:
    """An object inside of an object; empty where there is none."""
    found = _of(value, key)
    return found if isinstance(found, dict) else {}


def _of(value: Any, key: str | None) -> Any:
    if key is None:
        return value
    return value.get(key) if isinstance(value, dict) else None
