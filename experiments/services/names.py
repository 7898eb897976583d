"""What people call an experiment, a layer or a metric."""

from __future__ import annotations

from organizations.errors import Refused


def named(given: str, *, noun: str, field: str = "name") -> str:
    """Without the spaces at its ends. Raises Refused when nothing is left."""
    name = given.strip()
    if not name:
        raise Refused(f"Give the {noun} a {field}: this one has nothing but spaces.", field)
    return name
