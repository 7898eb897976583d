"""Who is who: organizations, people, memberships, API keys, and what was done by whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from organizations.constraints import one_of
from organizations.fields import TenantForeignKey
from organizations.scope import current_scope


def scoped_organization_id() -> UUID | None:
    """The organization that a new row belongs to: the one in scope."""
    scope = current_scope()
    return scope.organization_id if scope else None


class Role(models.TextChoices):
    """What a member may do; each role includes those before it."""

    MEMBER = "member", "Member: gives feedback, reads"
    EXPERT = "expert", "Expert: reviews"
    MANAGER = "manager", "Manager: curates examples and datasets"
    ADMIN = "admin", "Administrator: trains, experiments, deploys, manages keys"


ROLE_ORDER = {Role.MEMBER: 0, Role.EXPERT: 1, Role.MANAGER: 2, Role.ADMIN: 3}


class Organization(models.Model):
    """A tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    issue_categories = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    retention_days = models.PositiveIntegerField(null=True, blank=True)  # shorter than FEEDBACK_RETENTION_DAYS
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in; belongs to organizations by membership."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)


class OrganizationModel(models.Model):
    """A row of one organization, under row-level security."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        default=scoped_organization_id,
        editable=False,
        db_index=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Membership(OrganizationModel):
    """A person's role in an organization."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            one_of("role", Role),
        ]


class KeyKind(models.TextChoices):
    SECRET = "secret", "Secret (server side)"
    PUBLISHABLE = "publishable", "Publishable (browser, sends only)"


class ApiKey(OrganizationModel):
    """A key of an application. Only its SHA-256 is kept; the key itself is shown once.

    It works until `expires_at`, unless it is revoked before. A rotated key has a successor and works on for a while.
    `last_used_at` is behind by a minute at most.
    """

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=KeyKind.choices)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=10), default=list)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        constraints = [one_of("kind", KeyKind)]
        indexes = [
            models.Index(fields=["organization", "created_at"], name="api_key_recent"),
            models.Index(
                fields=["prefix"], name="api_key_prefix"
            ),  # whose token is it? asked before the tenant is known
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """active, rotated (works until `expires_at`), expired or revoked."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return "rotated" if self.rotated_at else "active"


class AuditEvent(OrganizationModel):
    """Who did what to which object. The application role can add rows and never change them.

    The seals hold `told_digest`, a salted SHA-256 of `before` and `after`: when a person is forgotten, what was told
    goes together with its salt, and who did what to which object and when stays sealed.
    """

    actor_label = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80)
    target_id = models.CharField(max_length=64)
    before: Any = models.JSONField(default=dict)
    after: Any = models.JSONField(default=dict)
    salt = models.CharField(max_length=32, default="", db_default="")  # empty: what was told is erased
    told_digest = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="audit_recent"),
            models.Index(fields=["organization", "target_type", "target_id"], name="audit_target"),
        ]


class AuditSeal(OrganizationModel):
    """A SHA-256 over the audit events since the seal before it, chained to that seal."""

    previous = TenantForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    last_event_id = models.UUIDField()
    events = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="audit_seal_recent")]


class RedactionPattern(OrganizationModel):
    """Personal data that only this organization knows, such as customer numbers: found by a pattern (RE2).

    What it finds is replaced by `<NAME_1>`, `<NAME_2>` before anything is learned from.
    """

    name = models.CharField(max_length=30)
    pattern = models.CharField(max_length=500)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = "redaction pattern"
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="redaction_pattern_name_once")]

    def __str__(self) -> str:
        return self.name
