"""Fences around what people wrote, so that a language model takes it for data and not for an order. Pure."""

from __future__ import annotations

FENCE = "======"


def fenced(text: str, longest: int) -> str:
    """A text that cannot end its fence early, cut to `longest` characters."""
    return text.replace(FENCE, "").replace("```", "")[:longest]
