"""How the review pages say times and shares."""

from __future__ import annotations


def pace(seconds: float | None) -> str:
    """A time for an item: "38 s", "2 min 5 s"; "" when nothing is known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
