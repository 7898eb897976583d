"""Figures of training runs as people read them, such as {{ estimate.input_tokens|rounded }}."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from math import floor, log10
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from learning.pages.training_words import plain
from learning.services import usage_words

register = template.Library()
register.filter("plain", plain)  # {{ run.config.metric|plain }}
for told in (usage_words.tokens_in, usage_words.tokens_out, usage_words.how_counted):
    register.filter(told.__name__, told)  # {{ run|tokens_in }}
register.filter("money_spent", usage_words.money)
KEPT = 2  # digits of an estimate that mean something


@register.filter
def seconds(amount: Any) -> str:
    """Such as "40 s", "12 min" or "1 h 5 min"; "-" for what is no number."""
    value = _number(amount)
    if value is None:
        return "-"
    if value < 100:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def rounded(amount: Any) -> str:
    """An estimate without digits that mean nothing: 41,318 becomes "41,000"."""
    value = _number(amount)
    if value is None:
        return "-"
    step = 10 ** max(0, floor(log10(abs(value))) + 1 - KEPT) if value else 1
    return f"{round(value / step) * step:,.0f}"


@register.filter
def money(amount: Any) -> str:
    """An amount without zeros that say nothing, such as "0.0123"; "-" for what is none."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return "-"
    if not value.is_finite():
        return "-"
    return usage_words.amount(value)


@register.filter
def percent(share: Any, decimals: int = 0) -> str:
    """A score from 0 to 1 as "72 %"; "-" for what is no number."""
    value = _number(share)
    return "-" if value is None else f"{100 * value:.{decimals}f} %"


@register.filter
def level(confidence: Any) -> str:
    """A level of confidence from 0 to 1 as "99.75 %", never rounded up: no interval is sure at 100 %."""
    value = _number(confidence)
    return "-" if value is None else f"{floor(round(10_000 * value, 6)) / 100:g} %"


@register.filter
def points(difference: Any) -> str:
    """A difference of scores in percentage points, with its sign: "+4.2" or "-1"; "-" for what is no number."""
    value = _number(difference)
    if value is None:
        return "-"
    text = f"{100 * value:+.1f}".removesuffix(".0")
    return "0" if text in ("+0", "-0") else text


@register.filter
def per_hundred(rate: Any) -> str:
    """A rate of 0.0123 as "1.2"; "-" for what is no number."""
    value = _number(rate)
    return "-" if value is None else f"{100 * value:.1f}"


@register.simple_tag
def share_bar(share: Any, tone: str = "chart-series-1") -> SafeString:
    """A score from 0 to 1 as a bar beside its number; the number is the text, so the drawing is for eyes alone."""
    value = _number(share)
    if value is None:
        return SafeString("")
    return format_html(
        '<svg class="share-bar {}" width="96" height="10" aria-hidden="true"><rect class="share-room" width="96"'
        ' height="10" rx="2"/><rect class="chart-bar" width="{}" height="10" rx="2"/></svg>',
        tone,
        f"{96 * min(1.0, max(0.0, value)):.1f}",
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None
