"""What comes from callers: rows by our UUID or their own external_id, and texts that can be stored."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import models

# A lone surrogate or a NUL is valid JSON and cannot be stored by PostgreSQL.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def find_by_any_id(queryset: models.QuerySet[Any], value: str, called: str = "external_id") -> Any | None:
    """The row by our UUID or, where the model has it, by the field `called`, such as the caller's external_id."""
    if UNSTORABLE.search(value):
        return None  # no row can have it, and PostgreSQL would refuse to look
    uuid = as_uuid(value)
    if uuid is not None:
        row = queryset.filter(pk=uuid).first()
        if row is not None:
            return row
    if any(field.name == called for field in queryset.model._meta.fields):
        return queryset.filter(**{called: value}).first()
    return None


def storable(text: str, longest: int) -> str:
    """What a person typed into a plain field: cut to `longest` characters, without what cannot be stored."""
    return UNSTORABLE.sub("", text)[:longest]


def as_uuid(value: str) -> UUID | None:
    """The text as a UUID; None when it is not one."""
    try:
        return UUID(value)
    except ValueError:
        return None
