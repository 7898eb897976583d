"""The way between the pages of review."""

from __future__ import annotations

import math
from typing import Any

from django import template
from django.urls import reverse

from annotation.services.attention import attention

register = template.Library()
UNKNOWN = "–"
TONES = {"approve": "approved", "reject": "rejected", "request_changes": "needs_revision"}
# Name, address, words, the least role, what is counted beside it.
TABS = [
    ("desk", "review-desk", "Desk", "expert", ""),
    ("plan", "review-plan", "Plan", "expert", ""),
    ("mine", "review-mine", "Your reviews", "expert", ""),
    ("adjudication", "adjudication", "Adjudication", "manager", "disputes"),
    ("flags", "review-flags", "Flags", "manager", "flags"),
    ("queues", "review-queues", "Queues", "manager", "paused"),
    ("rubrics", "review-rubrics", "Rubrics", "manager", ""),
    ("agreement", "review-agreement", "Agreement", "manager", ""),
]


@register.inclusion_tag("annotation/_tabs.html", takes_context=True)
def review_tabs(context: Any, current: str) -> dict[str, Any]:
    """The pages that this person may open, with what waits there for a manager."""
    actor = context["request"].actor
    counts = attention() if actor.allows("manager") else {}
    return {
        "tabs": [
            (reverse(address), words, counts.get(counted), name == current)
            for name, address, words, role, counted in TABS
            if actor.allows(role)
        ]
    }


@register.filter
def tone(decision: str) -> str:
    """The status whose colour a decision has."""
    return TONES.get(decision, decision)


@register.filter
def percent(share: float | None) -> str:
    """0.873 as "87 %"; a dash for what is not known."""
    return UNKNOWN if share is None or math.isnan(share) else f"{100 * share:.0f} %"


@register.filter
def estimate(interval: Any) -> str:
    """A coefficient with its interval: "0.61 (0.44 to 0.75)"; a dash where it cannot be computed."""
    if math.isnan(interval.value):
        return UNKNOWN
    if math.isnan(interval.low):
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
