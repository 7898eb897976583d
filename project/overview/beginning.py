"""The first steps in an organization that begins, each ticked off as it is done. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse

from annotation.services.overview import has_reviews
from learning.services.execution_search import has_executions
from learning.services.overview import has_feedback, has_serving_agent
from organizations.actors import Actor
from organizations.models import ApiKey, Role


@dataclass(frozen=True)
class Step:
    """One thing to do. `url` is empty when it is done, and for whoever may not open the page; `who` says who may."""

    text: str
    hint: str
    done: bool
    url: str = ""
    who: str = ""
    state: str = ""  # of templates' steps: "done", "now" or ""


def first_steps(actor: Actor) -> list[Step]:
    """In their order; none when all of them are done."""
    steps = [
        _step(
            actor, Role.ADMIN, "Introduce your agent", "Say how it asks its model today; that is what gets better.",
            reverse("agent-new"), done=has_serving_agent(),
        ),
        _step(
            actor, Role.ADMIN, "Make an API key", "Your application signs its requests with it.", reverse("keys"),
            done=ApiKey.objects.exists(),
        ),
        _step(
            actor, Role.MANAGER, "Send an execution", "What came in and what went out; the commands stand there.",
            reverse("executions"), done=has_executions(),
        ),
        _step(
            actor, Role.MEMBER, "Leave feedback", "Correct the answer as a user would, on the page that shows it.",
            reverse("widget-demo"), done=has_feedback(),
        ),
        _step(
            actor, Role.EXPERT, "Review a correction", "It waits at the review desk a few seconds after it was sent.",
            reverse("review-desk"), done=has_reviews(),
        ),
    ]  # fmt: skip
    following = next((step for step in steps if not step.done), None)
    return [_with_state(step, following) for step in steps] if following else []


def _step(actor: Actor, role: str, text: str, hint: str, url: str, *, done: bool) -> Step:
    who = Role(role).label.partition(":")[0].lower()
    may = actor.allows(role)
    return Step(text, hint, done, url if may and not done else "", "" if may or done else who)


def _with_state(step: Step, following: Step) -> Step:
    return replace(step, state="done" if step.done else "now" if step is following else "")
