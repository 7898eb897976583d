"""When the human-feedback learner starts by itself: enough new feedback came in, or its time has come."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from learning.models import Agent, Improvement, ImprovementStatus, InsightReport, InsightTrigger, Job
from learning.services.insight_following import follow_improvements
from learning.services.insight_opinions import count_opinions
from learning.services.insight_reading import newest_report
from learning.services.insight_runs import open_learning, start_learning

PERIODS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7),
           "monthly": timedelta(days=30)}  # fmt: skip
LEAST_PAUSE = timedelta(hours=1)  # between two looks that start by themselves


def start_due_learning() -> list[Job]:
    """A job for every agent whose time has come."""
    if not settings.LEARNING["insight"]["enabled"]:
        return []
    jobs = []
    for agent in Agent.objects.order_by("id"):
        trigger = _trigger(agent)
        if trigger and open_learning(agent=agent) is None:
            jobs.append(start_learning(agent=agent, trigger=trigger))
    return jobs


def follow_all_improvements() -> list[Improvement]:
    """Count every applied improvement anew; those that were withdrawn because they harm."""
    applied = Improvement.objects.filter(status=ImprovementStatus.APPLIED).values("agent")
    return [row for agent in Agent.objects.filter(pk__in=applied) for row in follow_improvements(agent=agent)]


def _trigger(agent: Agent) -> str:
    """Why to look now; empty: not yet."""
    wanted, now = settings.LEARNING["insight"], timezone.now()
    newest: InsightReport | None = newest_report(agent=agent)
    if newest is not None and now - newest.created_at < LEAST_PAUSE:
        return ""
    window = now - timedelta(days=wanted["window_days"])
    since = max(window, newest.until) if newest else window
    if count_opinions(agent=agent, since=since) >= wanted["min_feedback"]:
        return InsightTrigger.FEEDBACK
    due = newest is not None and now - newest.created_at >= PERIODS[wanted["frequency"]]
    # Nothing new was said: the same look would find the same.
    return InsightTrigger.SCHEDULE if due and newest and count_opinions(agent=agent, since=newest.until) else ""
