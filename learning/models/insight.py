"""What the human-feedback learner found: one report for each time it looked, with its findings."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from learning.models.agents import Agent, AgentConfig
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class InsightTrigger(models.TextChoices):
    PERSON = "person", "A person asked for it"
    FEEDBACK = "feedback", "Enough new feedback came in"
    SCHEDULE = "schedule", "The schedule"
    COMMAND = "command", "A command"


class InsightReport(OrganizationModel):
    """One look at the opinions of a window, the `number`-th of its agent. Its findings are versioned by it.

    summary: {"users", "experts", "executions", "features", "aspects"}. preferred: what pairs of answers tell, {"n",
    "reviewers", "compared", "corrected", "reason", "accuracy", "accuracy_low", "accuracy_high", "weights": [{"feature",
    "value", "low", "high", "p_value", "adjusted"}]}.
    """

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="insight_reports")
    number = models.PositiveIntegerField()
    trigger = models.CharField(max_length=10, choices=InsightTrigger.choices)
    since = models.DateTimeField()
    until = models.DateTimeField()
    opinions = models.PositiveIntegerField(default=0)
    judged = models.PositiveIntegerField(default=0)
    enough = models.BooleanField(default=False)  # there were opinions enough to say anything
    summary: Any = models.JSONField(default=dict)
    preferred: Any = models.JSONField(default=dict)

    class Meta:
        verbose_name = "insight report"
        constraints = [
            one_of("trigger", InsightTrigger),
            models.UniqueConstraint(fields=["organization", "agent", "number"], name="insight_report_number_once"),
        ]


class FeedbackQualityCorrelation(OrganizationModel):
    """One feature of executions against one aspect of what people say; `place` orders them, the surest first.

    details: {"reviewers", "cases", "basis", "spearman", "pearson", "clustered", "partial"}, each estimate as
    {"value", "low", "high", "p_value"}.
    """

    report = TenantForeignKey(InsightReport, on_delete=models.CASCADE, related_name="correlations")
    place = models.PositiveIntegerField()
    feature = models.CharField(max_length=200)
    aspect = models.CharField(max_length=50)
    state = models.CharField(max_length=20)  # PairStatus of the engine
    n = models.PositiveIntegerField()
    correlation = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    p_value = models.FloatField(null=True, blank=True)
    adjusted_p = models.FloatField(null=True, blank=True)
    significant = models.BooleanField(default=False)
    details: Any = models.JSONField(default=dict)

    class Meta:
        constraints = [
            between("correlation", -1, 1),
            between("p_value", 0, 1),
            between("adjusted_p", 0, 1),
            models.UniqueConstraint(fields=["organization", "report", "place"], name="correlation_place_once"),
        ]


class PatternType(models.TextChoices):
    SUCCESSFUL_DECISION = "successful_decision", "Goes with success"
    FAILURE_PATTERN = "failure_pattern", "Goes with failure"
    QUALITY_THRESHOLD = "quality_threshold", "Quality threshold"
    TERM = "term", "Telling word"
    RULE = "rule", "Rule"


class LearningPattern(OrganizationModel):
    """Something that goes with success or failure. details: the numbers of the engine's finding, by name."""

    report = TenantForeignKey(InsightReport, on_delete=models.CASCADE, related_name="patterns")
    place = models.PositiveIntegerField()
    pattern_type = models.CharField(max_length=20, choices=PatternType.choices)
    name = models.TextField()
    text = models.TextField()
    n = models.PositiveIntegerField()
    confidence_low = models.FloatField(null=True, blank=True)
    confidence_high = models.FloatField(null=True, blank=True)
    adjusted_p = models.FloatField(null=True, blank=True)
    details: Any = models.JSONField(default=dict)

    class Meta:
        constraints = [
            one_of("pattern_type", PatternType),
            between("adjusted_p", 0, 1),
            models.UniqueConstraint(fields=["organization", "report", "place"], name="pattern_place_once"),
        ]


class ReviewerPreferenceModel(OrganizationModel):
    """What one reviewer is like: an expert (`reviewer`), or a user by pseudonym (`user`). Goes when they go.

    weights: {feature: {"value", "low", "high"}}, what a feature changes in what they say; aspect_weights: what an
    aspect changes in their verdict; pair_weights: what a feature changes in the log-odds of being preferred, from
    `pairs` pairs. severity: above 0 is stricter than reviewers are on average. mean: None for who gave no opinion.
    """

    report = TenantForeignKey(InsightReport, on_delete=models.CASCADE, related_name="preferences")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    user = models.CharField(max_length=200, blank=True)  # a pseudonym
    n = models.PositiveIntegerField()
    mean = models.FloatField(null=True, blank=True)
    severity = models.FloatField(null=True, blank=True)
    severity_low = models.FloatField(null=True, blank=True)
    severity_high = models.FloatField(null=True, blank=True)
    own_share = models.FloatField(default=0)
    threshold = models.FloatField(null=True, blank=True)
    accuracy = models.FloatField(null=True, blank=True)
    chance = models.FloatField(null=True, blank=True)
    predictable = models.BooleanField(default=False)
    weights: Any = models.JSONField(default=dict)
    aspect_weights: Any = models.JSONField(default=dict)
    pairs = models.PositiveIntegerField(default=0)
    pair_accuracy = models.FloatField(null=True, blank=True)
    pair_weights: Any = models.JSONField(default=dict)

    class Meta:
        verbose_name = "reviewer preference model"
        constraints = [
            between("mean", 0, 1),
            between("own_share", 0, 1),
            between("threshold", 0, 1),
            between("accuracy", 0, 1),
            between("chance", 0, 1),
            between("pair_accuracy", 0, 1),
        ]
        indexes = [
            models.Index(fields=["organization", "report", "-n"], name="preference_of_report"),
            models.Index(fields=["organization", "user"], name="preference_of_user", condition=~models.Q(user="")),
        ]


class QualityModel(OrganizationModel):
    """A predictor of quality as plain numbers (engines/insight/saved.py); `used` when it beats both baselines."""

    report = TenantForeignKey(InsightReport, on_delete=models.CASCADE, related_name="quality_models")
    used = models.BooleanField(default=False)
    kind = models.CharField(max_length=20, blank=True)
    reason = models.TextField()
    n = models.PositiveIntegerField(default=0)
    metrics: Any = models.JSONField(default=dict)  # errors, gain, accuracies and coverage on held-out cases
    content: Any = models.JSONField(default=dict)

    class Meta:
        verbose_name = "quality model"
        constraints = [models.UniqueConstraint(fields=["organization", "report"], name="quality_model_once")]


class ImprovementStatus(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    APPLIED = "applied", "Applied"
    DISMISSED = "dismissed", "Dismissed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Improvement(OrganizationModel):
    """A recommendation; applied, it is a draft config that passes the gate like any other.

    `key` names the finding, so that a later report renews the row instead of adding one. evidence: the numbers behind
    it. Counts of judged executions with it and without it since it was applied; effect: their difference with interval.
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        ImprovementStatus.PROPOSED: frozenset({ImprovementStatus.APPLIED, ImprovementStatus.DISMISSED}),
        ImprovementStatus.APPLIED: frozenset({ImprovementStatus.WITHDRAWN}),
        ImprovementStatus.DISMISSED: frozenset({ImprovementStatus.PROPOSED}),
        ImprovementStatus.WITHDRAWN: frozenset({ImprovementStatus.PROPOSED}),
    }

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="improvements")
    report = TenantForeignKey(InsightReport, on_delete=models.CASCADE, related_name="improvements")
    key = models.CharField(max_length=300)
    title = models.TextField()
    reason = models.TextField()
    instruction = models.TextField(blank=True)  # a sentence for the system prompt; empty: for people to think about
    evidence: Any = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=ImprovementStatus.choices, default=ImprovementStatus.PROPOSED)
    config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, null=True, blank=True, related_name="improvements")
    applied_at = models.DateTimeField(null=True, blank=True)
    times_applied = models.PositiveIntegerField(default=0)
    judged = models.PositiveIntegerField(default=0)
    successes = models.PositiveIntegerField(default=0)
    judged_without = models.PositiveIntegerField(default=0)
    successes_without = models.PositiveIntegerField(default=0)
    effect: Any = models.JSONField(default=dict)  # {"difference", "low", "high"}
    withdrawn_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            one_of("status", ImprovementStatus),
            models.UniqueConstraint(fields=["organization", "agent", "key"], name="improvement_once"),
        ]

    @property
    def success_rate(self) -> float | None:
        """Of the judged executions with it, 0 to 1."""
        return self.successes / self.judged if self.judged else None
