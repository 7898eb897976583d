"""Rules by which feedback and executions become examples, and how far each organization was looked through."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from learning.models.agents import Agent
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class RuleSource(models.TextChoices):
    """What a rule looks at; the `source_type` of the examples it makes."""

    USER_FEEDBACK = "user_feedback", "Feedback"
    EXECUTION_LOG = "execution_log", "Executions without feedback"


class RuleResult(models.TextChoices):
    """The types of example that a rule may make."""

    POSITIVE = "positive", "Positive"
    NEGATIVE = "negative", "Negative"
    FAILURE = "failure", "Failure"
    EDGE_CASE = "edge_case", "Edge case"


class ExampleRule(OrganizationModel):
    """What becomes an example, and of which type. Of several rules that fit, the first by `position` decides.

    `conditions` is the JSON of `learning.engines.rules.Conditions`; all of them must hold. A rule looks at what comes
    in after `active_since`; what is older is learned from by a job.
    """

    name = models.CharField(max_length=100)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="example_rules")
    source = models.CharField(max_length=15, choices=RuleSource.choices)
    conditions: Any = models.JSONField(default=dict)
    example_type = models.CharField(max_length=15, choices=RuleResult.choices)
    position = models.PositiveSmallIntegerField(default=100)
    active = models.BooleanField(default=False)
    active_since = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = "example rule"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="example_rule_name_once"),
            one_of("source", RuleSource),
            one_of("example_type", RuleResult),
            between("position", 1, 1000),
            models.CheckConstraint(
                condition=Q(active=False) | Q(active_since__isnull=False), name="active_rule_has_beginning"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleProgress(OrganizationModel):
    """Up to which key feedback and executions were looked at by the rules; `joined_until` is a time.

    Feedback that came before its execution is looked at when the two are joined.
    """

    feedback_mark = models.UUIDField(null=True, blank=True)
    execution_mark = models.UUIDField(null=True, blank=True)
    joined_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "progress of rules"
        constraints = [models.UniqueConstraint(fields=["organization"], name="rule_progress_once")]


class PreparationProgress(OrganizationModel):
    """By which redaction rules the examples of an organization are prepared.

    After a change, examples with a key up to `marked_to` are marked to be prepared again; None: all are.
    """

    rules: Any = models.JSONField(
        default=dict
    )  # {"version": 1, "regions": ["US"], "names": false, "own": {"X": "..."}}
    marked_to = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "progress of preparation"
        constraints = [models.UniqueConstraint(fields=["organization"], name="preparation_progress_once")]
