"""What surrounds a drawing: title, legend, axes, labels, and the same numbers as a table to unfold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from project.overview.charts.scale import HEIGHT, TOP, WHOLE, Scale, Series, number, short_text, value_text

MOST_LABELS = 7
KINDS = 4  # colours; a fifth series would repeat the first


def figure(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    unit: str,
    scale: Scale,
    across: Sequence[float],
    shapes: SafeString,
    *,
    legend: bool = True,
    marks: Sequence[tuple[float, str]] | None = None,
) -> SafeString:
    """`marks`: where the horizontal scale is labelled (percent from the left, text) instead of at the values."""
    span = f"{labels[0]} to {labels[-1]}. " + ". ".join(_summary(row, unit) for row in series)
    return format_html(
        '<figure class="chart"><figcaption class="chart-title">{title}</figcaption>{legend}<div class="chart-plot">'
        '<svg class="chart-axis-y" height="{high}" aria-hidden="true">{axis}</svg>'
        '<svg class="chart-canvas" height="{high}" role="img"><title>{title}</title><desc>{span}</desc>'
        "{grid}{shapes}{foot}</svg></div>{table}</figure>",
        title=title,
        legend=_legend(series) if legend else "",
        high=WHOLE,
        axis=_axis(scale, unit),
        span=span,
        grid=_grid(scale),
        shapes=shapes,
        foot=_foot(labels, across) if marks is None else _marks(marks),
        table=_table(title, labels, series, unit),
    )


def _summary(row: Series, unit: str) -> str:
    known = [value for value in row.values if value is not None]
    if not known:
        return f"{row.label}: no values"
    low, high, last = (value_text(value, unit) for value in (min(known), max(known), known[-1]))
    return f"{row.label}: {low} to {high}, last {last}"


def _legend(series: Sequence[Series]) -> SafeString:
    if len(series) < 2:
        return SafeString("")
    items = format_html_join(
        "",
        '<li class="chart-series-{}"><svg width="14" height="10" aria-hidden="true"><rect class="chart-bar" width="14"'
        ' height="10" rx="2"/></svg>{}</li>',
        ((kind_of(i), row.label) for i, row in enumerate(series)),
    )
    return format_html('<ul class="chart-legend">{}</ul>', items)


def _axis(scale: Scale, unit: str) -> SafeString:
    return format_html_join(
        "",
        '<text x="88%" y="{}" text-anchor="end">{}</text>',
        ((number(scale.down(tick) + 4), short_text(tick) + (unit if unit == "%" else "")) for tick in scale.ticks),
    )


def _grid(scale: Scale) -> SafeString:
    return format_html_join(
        "",
        '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
        (
            ("chart-base" if tick == 0 else "chart-grid", number(scale.down(tick)), number(scale.down(tick)))
            for tick in scale.ticks
        ),
    )


def _foot(labels: Sequence[str], across: Sequence[float]) -> SafeString:
    """The last label and every n-th before it; every second one gives way on a phone."""
    last = len(labels) - 1
    chosen = range(last, -1, -math.ceil(len(labels) / MOST_LABELS))
    edge = len(labels) > MOST_LABELS or (across[0] == 0 and last > 0)
    return format_html_join(
        "",
        '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (
                "chart-tick-minor" if place % 2 else "chart-tick",
                number(across[i]),
                TOP + HEIGHT + 17,
                "start" if edge and i == 0 else "end" if edge and i == last else "middle",
                labels[i],
            )
            for place, i in enumerate(chosen)
        ),
    )


def _marks(marks: Sequence[tuple[float, str]]) -> SafeString:
    return format_html_join(
        "",
        '<text class="chart-tick" x="{}%" y="{}" text-anchor="middle">{}</text>',
        ((number(place), TOP + HEIGHT + 17, text) for place, text in marks),
    )


def _table(title: str, labels: Sequence[str], series: Sequence[Series], unit: str) -> SafeString:
    head = format_html_join("", '<th scope="col" class="num">{}</th>', ((row.label,) for row in series))
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                label,
                format_html_join("", '<td class="num">{}</td>', ((value_text(row.values[i], unit),) for row in series)),
            )
            for i, label in enumerate(labels)
        ),
    )
    return format_html(
        '<details class="chart-table"><summary>Show as a table</summary>'
        '<div class="table-wrap" tabindex="0" role="region" aria-label="{title}"><table class="table">'
        "<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div></details>",
        title=title,
        head=head,
        body=body,
    )


def nothing(title: str) -> SafeString:
    return format_html(
        '<div class="empty"><div class="empty-title">{}</div><p class="empty-text">No values yet.</p></div>', title
    )


def kind_of(index: int) -> int:
    return index % KINDS + 1


def joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
