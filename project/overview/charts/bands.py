"""An estimate with its interval over time: the chart of a confidence sequence, which narrows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from project.overview.charts.drawings import stretched
from project.overview.charts.frame import figure, nothing
from project.overview.charts.scale import Scale, Series, known_values, number, value_text

MOST_TIMES = 4  # as wide as the newest interval, and no wider, an interval is shown as a whole


@dataclass(frozen=True)
class Band:
    """One moment: an estimate and its interval, each None while unknown. `at`: its place on the horizontal scale."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    at: float | None = None


def band_chart(
    *,
    title: str,
    moments: Sequence[Band],
    unit: str = "",
    ends: tuple[float, float] | None = None,
    limit: float | None = None,
) -> SafeString:
    """The estimate as a line, its interval as a band around it, and the line of zero.

    Moments that say where they are stand on a scale; otherwise they stand at equal distances. `ends`: where the
    vertical scale begins and ends for values between known bounds, such as shares. `limit`: where a broken line says
    what is still accepted.
    """
    labels = [moment.label for moment in moments]
    series = [
        Series("estimate", [moment.estimate for moment in moments]),
        Series("low", [moment.low for moment in moments]),
        Series("high", [moment.high for moment in moments]),
    ]
    known = known_values(labels, series)
    if not known:
        return nothing(title)
    low, high = ends or _reach(moments, known, limit)
    scale = Scale.over(low, high, from_zero=True)
    across, marks = _places(moments)
    shapes = format_html(
        '{}<g class="chart-series-1">{}{}{}</g>',
        _limit(limit, scale, unit),
        stretched(_bands(moments, across, scale)),
        stretched(_line(moments, across, scale)),
        _last(moments, across, scale),
    )
    return figure(title, labels, series, unit, scale, across, shapes, legend=False, marks=marks)


def _reach(moments: Sequence[Band], known: Sequence[float], limit: float | None) -> tuple[float, float]:
    """From the lowest to the highest value. First intervals that are many times as wide as the last go beyond the
    drawing: otherwise nobody could see how the others narrow."""
    widths = [_width(moment) for moment in moments]
    last = next((width for width in reversed(widths) if width), None)
    if last is not None:
        narrow = [one for one, width in zip(moments, widths, strict=True) if width and width <= MOST_TIMES * last]
        ends = [end for one in narrow for end in (one.low, one.high) if end is not None]
        known = [*ends, *(moment.estimate for moment in moments if moment.estimate is not None)]
    return min([*known, limit or 0.0]), max([*known, limit or 0.0])


def _width(moment: Band) -> float | None:
    return None if moment.low is None or moment.high is None else moment.high - moment.low


def _limit(limit: float | None, scale: Scale, unit: str) -> SafeString:
    if limit is None:
        return SafeString("")
    y = scale.down(limit)
    line = '<line class="chart-limit" x1="0" x2="100%" y1="{}" y2="{}"><title>margin {}</title></line>'
    return format_html(line, number(y), number(y), value_text(limit, unit))


def _places(moments: Sequence[Band]) -> tuple[list[float], list[tuple[float, str]] | None]:
    """Percent from the left for each moment; and the marks of the scale, None without one."""
    known = [moment.at for moment in moments if moment.at is not None]
    if len(known) == len(moments) and max(known) > min(known):
        low, span = min(known), max(known) - min(known)
        ticks = Scale.over(low, max(known), from_zero=False, whole=True).ticks
        inside = [tick for tick in ticks if low <= tick <= low + span]
        return [100 * (at - low) / span for at in known], [(100 * (t - low) / span, value_text(t)) for t in inside]
    if len(moments) == 1:
        return [50.0], None
    return [100 * i / (len(moments) - 1) for i in range(len(moments))], None


def _bands(moments: Sequence[Band], across: Sequence[float], scale: Scale) -> SafeString:
    """One filled shape for each stretch with known ends: along the top, back along the bottom."""
    stretches: list[list[tuple[float, float, float]]] = [[]]
    for x, moment in zip(across, moments, strict=True):
        if moment.low is None or moment.high is None:
            stretches.append([])
        else:
            stretches[-1].append((x, _inside(moment.low, scale), _inside(moment.high, scale)))
    return format_html_join(
        "",
        '<polygon class="chart-band" points="{}"/>',
        (
            (" ".join([*(_at(x, top) for x, _, top in s), *(_at(x, bottom) for x, bottom, _ in reversed(s))]),)
            for s in stretches
            if len(s) > 1
        ),
    )


def _line(moments: Sequence[Band], across: Sequence[float], scale: Scale) -> SafeString:
    points = [
        _at(x, _inside(m.estimate, scale)) for x, m in zip(across, moments, strict=True) if m.estimate is not None
    ]
    return format_html('<polyline class="chart-line" points="{}"/>', " ".join(points))


def _last(moments: Sequence[Band], across: Sequence[float], scale: Scale) -> SafeString:
    """The newest estimate as a dot with its interval as a whisker, so that one look alone shows too."""
    x, moment = across[-1], moments[-1]
    parts = []
    if moment.low is not None and moment.high is not None:
        line = '<line class="chart-interval" x1="{}%" x2="{}%" y1="{}" y2="{}"/>'
        parts.append(
            format_html(line, number(x), number(x), number(scale.down(moment.high)), number(scale.down(moment.low)))
        )
    if moment.estimate is not None:
        dot = '<circle class="chart-estimate" cx="{}%" cy="{}" r="4"/>'
        parts.append(format_html(dot, number(x), number(scale.down(moment.estimate))))
    return format_html_join("", "{}", ((part,) for part in parts))


def _inside(value: float, scale: Scale) -> float:
    """Pixels from the top; at the edge for what lies beyond the scale."""
    return scale.down(min(max(value, scale.ticks[0]), scale.ticks[-1]))


def _at(x: float, y: float) -> str:
    return f"{number(x * 10)},{number(y)}"
