"""Estimates with intervals, as a table whose middle column is a drawing on one common scale."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from project.overview.charts.frame import joined, nothing
from project.overview.charts.scale import Interval, number, value_text


def interval_chart(
    *, title: str, rows: Sequence[Interval], unit: str = "", reference: float = 0.0, higher_is_better: bool = True
) -> SafeString:
    """Estimates with intervals on one scale beside a reference line; it is a table, so it needs no second one."""
    if not rows:
        return nothing(title)
    low, high = min([reference, *(r.low for r in rows)]), max([reference, *(r.high for r in rows)])
    room = (high - low or abs(high) or 1) * 0.06
    low, high = low - room, high + room
    body = joined(_interval_row(row, low, high, unit, reference, higher_is_better) for row in rows)
    return format_html(
        '<div class="chart"><table class="intervals"><caption class="visually-hidden">{}</caption>'
        '<thead><tr><td></td><th scope="col">Dashed line: {}</th>'
        '<th scope="col" class="num">Estimate (interval)</th></tr></thead>'
        "<tbody>{}</tbody></table></div>",
        title,
        value_text(reference, unit),
        body,
    )


def _interval_row(
    row: Interval, low: float, high: float, unit: str, reference: float, higher_is_better: bool
) -> SafeString:
    def at(value: float) -> str:
        return number(100 * (value - low) / (high - low))

    if row.low > reference or row.high < reference:
        tone = "chart-clear" if (row.low > reference) == higher_is_better else "chart-against"
    else:
        tone = "chart-unclear"
    return format_html(
        '<tr><th scope="row">{label}</th><td class="chart-cell {tone}"><svg class="chart-canvas" height="20"'
        ' aria-hidden="true"><line class="chart-reference" x1="{ref}%" x2="{ref}%" y1="0" y2="20"/>'
        '<line class="chart-interval" x1="{low}%" x2="{high}%" y1="10" y2="10"/>'
        '<line class="chart-interval" x1="{low}%" x2="{low}%" y1="5" y2="15"/>'
        '<line class="chart-interval" x1="{high}%" x2="{high}%" y1="5" y2="15"/>'
        '<circle class="chart-estimate" cx="{mid}%" cy="10" r="4.5"/></svg></td><td class="num">{text}</td></tr>',
        tone=tone,
        label=row.label,
        ref=at(reference),
        low=at(row.low),
        mid=at(row.estimate),
        high=at(row.high),
        text=f"{value_text(row.estimate, unit)} ({value_text(row.low, unit)} to {value_text(row.high, unit)})"
        + (f" {row.note}" if row.note else ""),
    )
