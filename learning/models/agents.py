"""Agents and the immutable versions of what decides how they answer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class Agent(OrganizationModel):
    """An AI agent of an application. `serving_config` is written by a deployment alone."""

    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=50, default="assistant", blank=True)
    domain = models.CharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    task_types = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    serving_config = TenantForeignKey("AgentConfig", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="agent_external_id_once")]

    def __str__(self) -> str:
        return self.name


class ConfigStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    CANDIDATE = "candidate", "Candidate"
    APPROVED = "approved", "Approved"
    RETIRED = "retired", "Retired"


class AgentConfig(OrganizationModel):
    """One immutable version of an agent's behaviour; `content` never changes after it was written.

    Unless a person is forgotten whom it quotes: then the quotes go. `erased_at`: it was built from data that was erased
    since, so that it should be made anew.

    content: {"system_prompt": str, "examples": [{"input": str, "output": str}], "model": str,
    "parameters": {...sampling}, "input_template": "...{input}...", "nearest_examples": int (how many of the examples a
    question is asked with, those most like it; left out: all of them)}.
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        ConfigStatus.DRAFT: frozenset({ConfigStatus.CANDIDATE, ConfigStatus.APPROVED, ConfigStatus.RETIRED}),
        ConfigStatus.CANDIDATE: frozenset({ConfigStatus.APPROVED, ConfigStatus.RETIRED}),
        ConfigStatus.APPROVED: frozenset({ConfigStatus.RETIRED}),
        ConfigStatus.RETIRED: frozenset(),
    }

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="configs")
    number = models.PositiveIntegerField()
    content: Any = models.JSONField()
    content_hash = models.CharField(max_length=64)
    parent = TenantForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    training_run = TenantForeignKey(
        "TrainingRun", on_delete=models.PROTECT, null=True, blank=True, related_name="candidates"
    )
    status = models.CharField(max_length=10, choices=ConfigStatus.choices, default=ConfigStatus.DRAFT)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "agent config"
        constraints = [
            models.UniqueConstraint(fields=["organization", "agent", "number"], name="agent_config_number_once"),
            one_of("status", ConfigStatus),
            between("number", 1),
        ]
        indexes = [models.Index(fields=["organization", "agent", "-created_at"], name="agent_config_recent")]

    def __str__(self) -> str:
        return f"config {self.number}"
