"""The drawings that stand on a frame: lines over time, stacked bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from project.overview.charts.frame import figure, joined, kind_of, nothing
from project.overview.charts.scale import WHOLE, Scale, Series, known_values, number, value_text

MOST_POINTS = 40  # more than this many dots on a line hide the line


def line_chart(
    *,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    unit: str = "",
    from_zero: bool = True,
    ends: tuple[float, float] | None = None,
) -> SafeString:
    """Values over time, one line a series; raises ValueError when a series has not one value a label.

    `ends`: where the scale begins and ends for values that lie between known bounds, such as stars.
    """
    known = known_values(labels, series)
    if not known:
        return nothing(title)
    low, high = ends or (min(known), max(known))
    scale = Scale.over(low, high, from_zero=from_zero and ends is None)
    across = [100 * i / (len(labels) - 1) if len(labels) > 1 else 50.0 for i in range(len(labels))]
    lines = [
        format_html(
            '<g class="chart-series-{}">{}{}</g>',
            kind_of(i),
            _strokes(row, across, scale, kind_of(i)),
            _points(row, labels, across, scale, unit),
        )
        for i, row in enumerate(series)
    ]
    return figure(title, labels, series, unit, scale, across, joined(lines))


def bar_chart(*, title: str, labels: Sequence[str], series: Sequence[Series], unit: str = "") -> SafeString:
    """Amounts per label, series stacked in their order; raises ValueError for negative values or wrong lengths."""
    known = known_values(labels, series)
    if not any(known):
        return nothing(title)  # bars of no height are an empty frame
    if min(known) < 0:
        raise ValueError("a stacked bar cannot be negative")
    totals = [sum(row.values[i] or 0 for row in series) for i in range(len(labels))]
    scale = Scale.over(0, max(totals), from_zero=True, whole=all(value.is_integer() for value in known))
    slot = 100 / len(labels)
    across = [(i + 0.5) * slot for i in range(len(labels))]
    below = [0.0] * len(labels)  # what the series before have filled
    groups = [
        format_html(
            '<g class="chart-series-{}">{}</g>',
            kind_of(kind),
            joined(
                _bar(
                    across[i],
                    slot * 0.72,
                    scale.down(below[i]),
                    scale.down(below[i] + value),
                    _words(row, i, labels, unit),
                )
                for i, value in _stacked(row, below)
            ),
        )
        for kind, row in enumerate(series)
    ]
    return figure(title, labels, series, unit, scale, across, joined(groups))


def _stacked(row: Series, below: list[float]) -> Iterator[tuple[int, float]]:
    """Each value that has a bar; raises what is below it for the next series once the bar is drawn."""
    for i, value in enumerate(row.values):
        if value:
            yield i, value
            below[i] += value


def _bar(middle: float, width: float, bottom: float, top: float, words: str) -> SafeString:
    return format_html(
        '<rect class="chart-bar" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title></rect>',
        number(middle - width / 2),
        number(top),
        number(width),
        number(bottom - top),
        words,
    )


def _words(row: Series, i: int, labels: Sequence[str], unit: str) -> str:
    return f"{labels[i]}: {value_text(row.values[i], unit)} {row.label}"


def _strokes(row: Series, across: Sequence[float], scale: Scale, kind: int) -> SafeString:
    """The line, broken at missing values, in a nested drawing that stretches sideways alone."""
    runs: list[list[str]] = [[]]
    for x, value in zip(across, row.values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{number(x * 10)},{number(scale.down(value))}")
    lines = format_html_join(
        "",
        '<polyline class="chart-line chart-dash-{}" points="{}"/>',
        ((kind, " ".join(r)) for r in runs if len(r) > 1),
    )
    return stretched(lines)


def stretched(shapes: SafeString) -> SafeString:
    """Shapes on a canvas 1000 wide that stretches sideways alone."""
    return format_html(
        '<svg width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none">{}</svg>', WHOLE, WHOLE, shapes
    )


def _points(row: Series, labels: Sequence[str], across: Sequence[float], scale: Scale, unit: str) -> SafeString:
    if len(labels) > MOST_POINTS:
        return SafeString("")
    return format_html_join(
        "",
        '<circle class="chart-point" cx="{}%" cy="{}" r="3"><title>{}</title></circle>',
        (
            (number(x), number(scale.down(value)), _words(row, i, labels, unit))
            for i, (x, value) in enumerate(zip(across, row.values, strict=True))
            if value is not None
        ),
    )
