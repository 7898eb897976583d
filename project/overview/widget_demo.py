"""What the widget's demo page shows: newest outputs of the newest agent, and the demo's publishable key."""

from __future__ import annotations

from typing import Any

from learning.models import Execution


def demo_context() -> dict[str, Any]:
    """{"agent": Agent | None, "executions": [Execution], "publishable_key": str}."""
    from project.demo.sign_ins import publishable_key

    newest = Execution.objects.select_related("agent").order_by("-id").first()
    executions = list(Execution.objects.filter(agent=newest.agent).order_by("-id")[:4]) if newest else []
    return {"agent": newest.agent if newest else None, "executions": executions, "publishable_key": publishable_key()}
