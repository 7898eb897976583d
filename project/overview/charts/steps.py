"""Values that stay until they change, over an amount that grows: such as the best score against the calls used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from project.overview.charts.drawings import stretched
from project.overview.charts.frame import figure, joined, kind_of, nothing
from project.overview.charts.scale import Scale, Series, known_values, number, value_text


@dataclass(frozen=True)
class Steps:
    """One line: (amount, value from there on), the amounts growing. It ends at its last amount."""

    label: str
    points: Sequence[tuple[float, float]]


def step_chart(
    *,
    title: str,
    lines: Sequence[Steps],
    unit: str = "",
    amount: str = "",
    bounds: tuple[float, float] | None = None,
) -> SafeString:
    """One staircase a line, all on one horizontal scale from zero; `amount` says what that scale counts.

    `bounds`: what the values lie between, such as shares; the scale where they are all the same.
    """
    drawn = [line for line in lines if line.points]
    if not drawn:
        return nothing(title)
    places = sorted({at for line in drawn for at, _ in line.points})
    series = [Series(line.label, [_value_at(line, at) for at in places]) for line in drawn]
    labels = [value_text(at, amount) for at in places]
    known = known_values(labels, series)
    low, high = bounds if bounds and min(known) == max(known) else (min(known), max(known))
    scale = Scale.over(low, high, from_zero=False)
    whole = places[-1] or 1.0
    ticks = Scale.over(0, whole, from_zero=True, whole=True).ticks
    marks = [(100 * tick / whole, value_text(tick)) for tick in ticks if tick <= whole]
    shapes = joined(
        format_html(
            '<g class="chart-series-{}">{}{}</g>',
            kind_of(i),
            stretched(_stairs(line, whole, scale, kind_of(i))),
            _last(line, whole, scale, unit),
        )
        for i, line in enumerate(drawn)
    )
    across = [100 * at / whole for at in places]
    return figure(title, labels, series, unit, scale, across, shapes, marks=marks)


def _value_at(line: Steps, at: float) -> float | None:
    """What holds at an amount; None before the line begins and after it has ended."""
    if at > line.points[-1][0]:
        return None
    return next((value for place, value in reversed(line.points) if place <= at), None)


def _stairs(line: Steps, whole: float, scale: Scale, kind: int) -> SafeString:
    corners: list[str] = []
    before: float | None = None
    for at, value in line.points:
        across = number(1000 * at / whole)
        corners += [f"{across},{number(scale.down(before))}"] if before is not None else []
        corners.append(f"{across},{number(scale.down(value))}")
        before = value
    return format_html('<polyline class="chart-line chart-dash-{}" points="{}"/>', kind, " ".join(corners))


def _last(line: Steps, whole: float, scale: Scale, unit: str) -> SafeString:
    """A dot where the line ends, so that a single value is seen too."""
    at, value = line.points[-1]
    return format_html(
        '<circle class="chart-estimate" cx="{}%" cy="{}" r="4"><title>{}</title></circle>',
        number(100 * at / whole),
        number(scale.down(value)),
        f"{line.label}: {value_text(value, unit)}",
    )
