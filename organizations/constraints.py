"""CHECK constraints for enums and bounded numbers, named after what they guard."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q

Number = int | float | Decimal


def one_of(field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """The column holds one of the choices."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": list(choices.values)}), name=f"%(class)s_{field}_known"
    )


def between(field: str, low: Number, high: Number | None = None) -> models.CheckConstraint:
    """The column is NULL or lies in [low, high]; no upper end when high is None."""
    inside = Q(**{f"{field}__gte": low}) if high is None else Q(**{f"{field}__range": (low, high)})
    return models.CheckConstraint(condition=Q(**{f"{field}__isnull": True}) | inside, name=f"%(class)s_{field}_range")
