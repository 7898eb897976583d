"""Outcomes and differences as people read them."""

from __future__ import annotations

import math

from experiments.metrics import Definition


def value(definition: Definition, number: float | None) -> str:
    """A mean: a percentage, or a number with its unit; a dash when there is none."""
    if number is None:
        return "-"
    return f"{_percent(number)} %" if definition.percent else f"{plain(number)} {definition.unit}".strip()


def amount(definition: Definition, number: float | None) -> str:
    """A difference: percentage points, or a number with its unit."""
    if number is None:
        return "-"
    return f"{_percent(number)} points" if definition.percent else f"{plain(number)} {definition.unit}".strip()


def signed(definition: Definition, number: float | None) -> str:
    """A difference with its sign."""
    text = amount(definition, number)
    return text if text.startswith("-") else f"+{text}"


def span(definition: Definition, low: float | None, high: float | None) -> str:
    """From a difference to another; the unit is said once."""
    first, last = signed(definition, low), signed(definition, high)
    unit = "points" if definition.percent else definition.unit
    return f"{first.removesuffix(unit).strip()} to {last}"


def part(share: float) -> str:
    """A relative difference with its sign: "+12.5 %"."""
    return f"{share * 100:+,.1f} %" if abs(share) < 10 else f"{share * 100:+,.0f} %"


def plain(number: float) -> str:
    """Three digits that mean something, more where the number is larger: "8,123", "41.2", "4.31", "0.0012"."""
    decimals = min(8, max(0, 2 - math.floor(math.log10(abs(number))))) if number else 0
    text = f"{number:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


def _percent(share: float) -> str:
    """One decimal; two where one would say nothing. Never "-0.0"."""
    number = share * 100
    decimals = 2 if 0.005 <= abs(number) < 0.1 else 1
    return f"{round(number, decimals) or 0.0:.{decimals}f}"
