"""Charts for the templates of apps that lie below and cannot import them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString

from project.overview import charts

register = template.Library()


@register.simple_tag
def band_chart(title: str, moments: Sequence[Any], unit: str = "", limit: float | None = None) -> SafeString:
    """`moments` have label, estimate, low, high and at; `limit` is what is still accepted."""
    bands = [charts.Band(m.label, m.estimate, m.low, m.high, m.at) for m in moments]
    return charts.band_chart(title=title, moments=bands, unit=unit, limit=limit)


@register.simple_tag
def interval_chart(
    title: str, rows: Sequence[Any], unit: str = "", reference: float = 0.0, higher_is_better: bool = True
) -> SafeString:
    """`rows` have label, estimate, low, high and note."""
    drawn = [charts.Interval(row.label, row.estimate, row.low, row.high, row.note) for row in rows]
    return charts.interval_chart(
        title=title, rows=drawn, unit=unit, reference=reference, higher_is_better=higher_is_better
    )


@register.simple_tag
def bar_chart(title: str, labels: Sequence[str], values: Sequence[float], name: str, unit: str = "") -> SafeString:
    """One bar for each label; `name` says what the values are."""
    return charts.bar_chart(title=title, labels=labels, series=[charts.Series(name, list(values))], unit=unit)


@register.simple_tag
def trend_chart(title: str, trend: Any, unit: str = "") -> SafeString:
    """`trend` has counts, rates, levels, week(place) and per_execution: the rate of each week, and between changes."""
    labels = [f"{trend.week(place):%-d %b %Y}" for place in range(len(trend.counts))]
    per = 100 if trend.per_execution else 1
    lines = {"each week": trend.rates} | ({"level between changes": trend.levels} if trend.changes else {})
    series = [
        charts.Series(name, [None if one is None else per * one for one in rates]) for name, rates in lines.items()
    ]
    return charts.line_chart(title=title, labels=labels, series=series, unit=unit)


@register.simple_tag
def step_chart(title: str, lines: Sequence[Any], unit: str = "", amount: str = "") -> SafeString:
    """`lines` have label and points, each (amount, value from there on)."""
    drawn = [charts.Steps(line.label, line.points) for line in lines]
    bounds = (0.0, 100.0) if unit == "%" else None
    return charts.step_chart(title=title, lines=drawn, unit=unit, amount=amount, bounds=bounds)
