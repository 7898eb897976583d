"""Sums of feedback by hour and by day, so that statistics need not read each piece of it.

The sums hold the rows with `created_at` before `FeedbackRollupProgress.summed_until`, apart from the hours that have a
mark: something in them changed after they were summed. A reader takes the sums, the rows after the watermark, and the
rows of marked hours (docs/decisions: sums of feedback).
"""

from __future__ import annotations

from django.db import models

from learning.models.agents import Agent
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class Grain(models.TextChoices):
    HOUR = "hour", "Hour"
    DAY = "day", "Day"


class FeedbackRollup(OrganizationModel):
    """What one agent's feedback of one hour or day (UTC) adds up to. Sums are of 1-5, counts of rows."""

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    grain = models.CharField(max_length=4, choices=Grain.choices)
    start = models.DateTimeField()
    total = models.IntegerField(default=0)
    thumbs_up = models.IntegerField(default=0)
    thumbs_down = models.IntegerField(default=0)
    star_rating = models.IntegerField(default=0)
    detailed_feedback = models.IntegerField(default=0)
    correction = models.IntegerField(default=0)
    report_issue = models.IntegerField(default=0)
    rated = models.IntegerField(default=0)
    positive = models.IntegerField(default=0)
    negative = models.IntegerField(default=0)
    rating_sum = models.IntegerField(default=0)
    rating_count = models.IntegerField(default=0)
    accuracy_sum = models.IntegerField(default=0)
    accuracy_count = models.IntegerField(default=0)
    helpfulness_sum = models.IntegerField(default=0)
    helpfulness_count = models.IntegerField(default=0)
    clarity_sum = models.IntegerField(default=0)
    clarity_count = models.IntegerField(default=0)
    completeness_sum = models.IntegerField(default=0)
    completeness_count = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "agent", "grain", "start"], name="feedback_rollup_once"),
            one_of("grain", Grain),
            between("total", 0),
        ]
        indexes = [models.Index(fields=["organization", "grain", "start"], name="feedback_rollup_of_all")]


class FeedbackIssueRollup(OrganizationModel):
    """How often one category was named in one hour or day (UTC), and the stars given with it."""

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    grain = models.CharField(max_length=4, choices=Grain.choices)
    start = models.DateTimeField()
    category = models.CharField(max_length=50)
    total = models.IntegerField(default=0)
    rating_sum = models.IntegerField(default=0)
    rating_count = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "agent", "grain", "start", "category"], name="feedback_issue_rollup_once"
            ),
            one_of("grain", Grain),
            between("total", 0),
        ]
        indexes = [models.Index(fields=["organization", "grain", "start"], name="feedback_issues_of_all")]


class FeedbackRollupMark(OrganizationModel):
    """An hour of an agent whose sums can no longer be trusted. Written by triggers, taken away when it is summed again.

    No reference to the agent: the mark of a deleted agent's feedback outlives it. The transaction is part of the key,
    so that two transactions never wait for each other to mark the same hour.
    """

    agent_id = models.UUIDField()
    hour = models.DateTimeField()
    transaction = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "agent_id", "hour", "transaction"], name="rollup_mark_once")
        ]


class FeedbackRollupProgress(OrganizationModel):
    """How far an organization is summed up: everything created before `summed_until`; None is nothing.

    `pending_until` comes next, once every transaction older than `pending_transaction` has ended. Before `rows_since`
    (a whole hour) the rows are past their retention and gone: the sums are all there is, and are never made anew.
    """

    summed_until = models.DateTimeField(null=True, blank=True)
    pending_until = models.DateTimeField(null=True, blank=True)
    pending_transaction = models.BigIntegerField(null=True, blank=True)
    rows_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "progress of feedback rollups"
        constraints = [models.UniqueConstraint(fields=["organization"], name="rollup_progress_once")]
