"""Values as people read them: {{ run.duration_ms|duration }}, {{ run.cost|cost }}, {{ run.tokens|thousands }}."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django import template

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
def cost(amount: Decimal | None) -> str:
    """All digits that count, such as "0.0003"; "-" for None."""
    if amount is None:
        return "-"
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


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
