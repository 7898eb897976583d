"""What agents and experts did, step by step, and the actions that experts put right."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from learning.models.agents import Agent, AgentConfig
from learning.models.examples import LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class DemonstrationSource(models.TextChoices):
    API = "api", "The API"
    IMPORT = "import", "An imported log"
    EXPERT = "expert", "An expert's edit"
    CORRECTION = "correction", "A corrected action"
    EXECUTION = "execution", "A recorded execution"


class StepSource(models.TextChoices):
    USER = "user", "The user"
    TOOL = "tool", "A tool"


class CorrectionKind(models.TextChoices):
    WRONG_ACTION = "wrong_action", "Another action"
    WRONG_ARGUMENTS = "wrong_arguments", "Other arguments"
    WORDING = "wording", "Another answer"
    MISSING_ACTION = "missing_action", "Left out"
    NEEDLESS_ACTION = "needless_action", "Not needed"
    SHOULD_HAVE_ASKED = "should_have_asked", "An answer instead of an action"
    SHOULD_HAVE_ACTED = "should_have_acted", "An action instead of an answer"


class Demonstration(OrganizationModel):
    """One piece of work, step by step. Its example carries it through review, datasets and erasure, and takes it along
    when it goes. Redacted before it is stored; it never changes: an edit is another demonstration.

    `reward`: how well it ended, 0-1, None when nobody knows. `case`: what it has in common with other tries of the same
    task; empty when nobody said.
    """

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="demonstrations")
    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="demonstrations")
    source = models.CharField(max_length=10, choices=DemonstrationSource.choices)
    reward = models.FloatField(null=True, blank=True)
    case = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            one_of("source", DemonstrationSource),
            between("reward", 0, 1),
            models.UniqueConstraint(fields=["organization", "example"], name="demonstration_per_example"),
        ]
        indexes = [models.Index(fields=["organization", "agent", "-created_at"], name="demonstration_recent")]


class DemonstrationStep(OrganizationModel):
    """What was seen, done, and came of it.

    `source`: who the observation comes from; `failed`: the outcome is an error.
    """

    demonstration = TenantForeignKey(Demonstration, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    observation = models.TextField(blank=True)
    source = models.CharField(max_length=4, choices=StepSource.choices, default=StepSource.USER)
    action = models.CharField(max_length=200)
    arguments: Any = models.JSONField(default=dict, blank=True)
    outcome = models.TextField(blank=True)
    failed = models.BooleanField(default=False)

    class Meta:
        verbose_name = "demonstration step"
        constraints = [
            one_of("source", StepSource),
            models.UniqueConstraint(
                fields=["organization", "demonstration", "position"], name="demonstration_step_position"
            ),
        ]


class ActionCorrection(OrganizationModel):
    """An action that somebody put right: a preference, and a demonstration of one step where something is to be done.

    original, corrected: {"name", "arguments"}, None where nothing was or should have been done. context: {"request",
    "observation", "source", "past": [[name, failed]]}. Its example is the preference, or the demonstration.
    """

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="action_corrections")
    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="action_corrections")
    config = TenantForeignKey(AgentConfig, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=20, choices=CorrectionKind.choices)
    original: Any = models.JSONField(null=True, blank=True)
    corrected: Any = models.JSONField(null=True, blank=True)
    explanation = models.TextField(blank=True)
    context: Any = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = "action correction"
        constraints = [one_of("kind", CorrectionKind)]
        indexes = [models.Index(fields=["organization", "agent", "-created_at"], name="action_correction_recent")]
