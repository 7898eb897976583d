"""One row in every table of an organization, each text with a marker, for the sweep."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from organizations.models import Organization, OrganizationModel
from organizations.scope import organization_scope
from tests import factories

MARKER = "zq7marker"
# What a generic row cannot guess.
SPECIAL: dict[str, dict[str, Any]] = {
    "learning.AgentFeedback": {"feedback_type": "correction", "rating": 3},
    "learning.GateReport": {"status": "passed"},
    "learning.LearningExample": {"redaction_found": {MARKER: 1}},
    # The database wants an item in the split that its groups are assigned to.
    "learning.SplitAssignment": {"key": f"{MARKER} group", "split": "train"},
    "learning.DatasetExample": {"split": "train", "cluster_key": f"{MARKER} group", "group_key": f"{MARKER} group"},
}


def fill_every_table(organization: Organization) -> dict[str, Any]:
    """What was made: {"organization", "user", "rows": {model: row}, "keys": {model: [pk]}, "names", "marker"}.

    What belongs to a person is the user's. `names` are what an address can call the rows by, for each model:
    identifiers, and names from outside.
    """
    user = factories.make_user(organization)
    made: dict[type[models.Model], models.Model] = {Organization: organization}
    with organization_scope(organization.id):
        for model in _in_order():
            made[model] = model._default_manager.first() or model._default_manager.create(**_values(model, made, user))
    keys = {model: [row.pk] for model, row in made.items()}
    names = {model: [str(row.pk), *filter(None, [getattr(row, "external_id", "")])] for model, row in made.items()}
    return {"organization": organization, "user": user, "rows": made, "keys": keys, "names": names, "marker": MARKER}


def _in_order() -> list[type[models.Model]]:
    """Each model after those it must point at."""
    todo = [model for model in apps.get_models() if issubclass(model, OrganizationModel)]
    done: list[type[models.Model]] = []
    while todo:
        ready = [
            model
            for model in todo
            if all(
                field.null or field.remote_field.model in done or field.remote_field.model not in todo
                for field in model._meta.local_fields
                if field.is_relation
            )
        ]
        assert ready, f"these tables point at each other: {todo}"
        done += ready
        todo = [model for model in todo if model not in ready]
    return done


def _values(model: type[models.Model], made: dict[Any, Any], user: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in model._meta.local_fields:
        if field.name in ("id", "organization", "created_at", "updated_at"):
            continue
        if field.is_relation:
            target = field.remote_field.model
            if target in made and target is not Organization and target is not model:
                values[field.name] = made[target]
            elif target._meta.label == settings.AUTH_USER_MODEL:
                values[field.name] = user
        else:
            values |= _plain_value(field)
    return values | SPECIAL.get(model._meta.label, {})


def _plain_value(field: Any) -> dict[str, Any]:
    if field.has_default() and not isinstance(field, models.JSONField):
        return {}
    if field.choices:
        return {field.name: field.choices[0][0]}
    if "external_id" in field.name:  # stands in addresses, and an answer may repeat the address
        return {field.name: f"foreign-{field.model._meta.model_name}"}
    if isinstance(field, models.TextField | models.CharField):
        return {field.name: f"{MARKER} {field.name}"[: field.max_length or 100]}
    if isinstance(field, models.JSONField):
        return {} if field.has_default() and field.default is list else {field.name: {MARKER: MARKER}}
    if field.null:
        return {}
    if isinstance(field, models.UUIDField):
        return {field.name: uuid7()}
    if isinstance(field, models.DateTimeField):
        return {field.name: timezone.now()}
    if isinstance(field, models.BooleanField):
        return {field.name: False}
    return {field.name: 1}
