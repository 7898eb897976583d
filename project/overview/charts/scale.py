"""Numbers of a chart: the values, the axis, and how a number is written for people and for SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 160  # pixels of the plot
FOOT = 22  # pixels below it, for the labels
TOP = 8  # pixels above, so that the highest label is not cut
WHOLE = TOP + HEIGHT + FOOT


@dataclass(frozen=True)
class Series:
    """One named row of values, as long as the chart's labels; not a number counts as missing."""

    label: str
    values: Sequence[float | None]

    def __post_init__(self) -> None:
        kept = tuple(None if value is None or math.isnan(value) else float(value) for value in self.values)
        object.__setattr__(self, "values", kept)


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, all in the chart's unit."""

    label: str
    estimate: float
    low: float
    high: float
    note: str = ""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.low, self.estimate, self.high))):
            raise ValueError(f"{self.label}: an interval is finite")
        if not self.low <= self.estimate <= self.high:
            raise ValueError(f"{self.label}: {self.estimate} is outside of {self.low} to {self.high}")


@dataclass(frozen=True)
class Scale:
    """The vertical axis: round ticks from low to high, and where a value stands."""

    ticks: tuple[float, ...]

    @classmethod
    def over(cls, low: float, high: float, *, from_zero: bool, whole: bool = False) -> Scale:
        """Round ticks, about four, that cover low to high; whole ones for counts."""
        if from_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high == low:
            high = low + (abs(low) or 1.0)
        rough = (high - low) / 4
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * 0.999)
        if whole:
            step = max(1.0, math.ceil(step))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(tuple(i * step for i in range(first, last + 1)))

    def down(self, value: float) -> float:
        """Pixels from the top of the drawing."""
        low, high = self.ticks[0], self.ticks[-1]
        return TOP + HEIGHT * (high - value) / (high - low)


def known_values(labels: Sequence[str], series: Sequence[Series]) -> list[float]:
    for row in series:
        if len(row.values) != len(labels):
            raise ValueError(f"{row.label}: {len(row.values)} values for {len(labels)} labels")
    known = [value for row in series for value in row.values if value is not None]
    if not all(map(math.isfinite, known)):
        raise ValueError("a chart cannot place a number that is not finite")
    return known


def value_text(value: float | None, unit: str = "") -> str:
    """A number for people: thousands separated, at most three significant decimals, a dash when missing."""
    if value is None or math.isnan(value):
        return "-"
    size = abs(value)
    decimals = 0 if value == int(value) or size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        text = "0"
    if not unit:
        return text
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}"


def short_text(value: float) -> str:
    """A tick: 12,000 becomes 12k so that it fits beside the plot."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return value_text(value / (1e3 if sign == "k" else limit)) + sign
    return value_text(value)


def number(value: float) -> str:
    """A number for an attribute: plain digits whatever the language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
