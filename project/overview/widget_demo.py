"""What the widget's demo page shows: newest outputs of the newest agent, and what the demo's pages send with."""

from __future__ import annotations

from typing import Any

from learning.models import ISSUE_CATEGORIES, Execution
from organizations.tokens import mint_feedback_token

# The texts of the feedback element's parts, in the order in which they stand; static/js/agent-feedback.js has them too.
PARTS = ["thumbs", "stars", "dimensions", "issues", "comment", "correction"]


def demo_context() -> dict[str, Any]:
    """{"agent": Agent | None, "executions": [Execution], "publishable_key": str, "token": str, ...}.

    Outside of the demo's organization there is no key and no token: then the page sends as the person who is signed in.
    """
    from project.demo.sign_ins import publishable_key, secret_key

    newest = Execution.objects.select_related("agent").order_by("-id").first()
    executions = list(Execution.objects.filter(agent=newest.agent).order_by("-id")[:4]) if newest else []
    return {
        "agent": newest.agent if newest else None,
        "executions": executions,
        "publishable_key": publishable_key(),
        "token": _token(secret_key(), executions[0]) if executions else "",
        "parts": PARTS,
        "issue_categories": ISSUE_CATEGORIES,
    }


def _token(secret: str, execution: Execution) -> str:
    """A feedback token for one output; empty without a secret key to sign with."""
    agent_id, execution_id = execution.agent.external_id, execution.external_id
    if not (secret and agent_id and execution_id):
        return ""
    return mint_feedback_token(secret, agent_id=agent_id, execution_id=execution_id)
