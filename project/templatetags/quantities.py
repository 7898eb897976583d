"""Values as people read them: {{ run.duration_ms|duration }}, {{ run.tokens|thousands }}."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django import template

from project.overview.audit_words import event_words, noun_words
from project.overview.charts import duration_text, value_text

register = template.Library()


@register.filter
def duration(milliseconds: float | None) -> str:
    """Such as "812 ms" or "2.4 s"; "-" for None."""
    return duration_text(milliseconds)


@register.filter
def thousands(amount: float | str | None) -> str:
    """Such as "34,998"; "-" for None and for what is not there. What is no number stays as it is."""
    if amount is None or amount == "":
        return "-"
    return value_text(amount) if isinstance(amount, int | float | Decimal) else str(amount)


@register.filter
def happened(action: str) -> str:
    """What an audit event is called: "Example changed" for "learningexample.changed"."""
    return event_words(action)


@register.filter
def named(code: str) -> str:
    """What a table or a field of an audit event is called: "gate report" for "gatereport"."""
    return noun_words(code)


@register.filter
def told(value: Any) -> str:
    """What an audit event says of a value: yes and no, "none" for nothing, the parts of a list; the rest as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(told, value))
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
