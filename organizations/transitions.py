"""The one writer of a status."""

from __future__ import annotations

from typing import Any

from django.db import models

from organizations import audit
from organizations.errors import Conflict


class IllegalTransition(Conflict):
    """The model's TRANSITIONS table has no such step."""


class LostRace(Conflict):
    """Somebody else moved the row first."""


def move(instance: Any, to: str, *, field: str = "status", **values: Any) -> None:
    """Compare-and-set the status of `instance`, write `values` with it, and record it in the audit.

    Raises IllegalTransition when the model's TRANSITIONS has no such step, LostRace when the row is no longer in the
    status that the instance was read with.
    """
    came_from = getattr(instance, field)
    noun = instance._meta.verbose_name
    if to not in instance.TRANSITIONS.get(came_from, frozenset()):
        raise IllegalTransition(f"This {noun} is {_words(came_from)}; it cannot become {_words(to)}.", field)
    model: type[models.Model] = type(instance)
    changed = model._default_manager.filter(pk=instance.pk, **{field: came_from}).update(**{field: to}, **values)
    if not changed:
        raise LostRace(f"This {noun} was changed by somebody else meanwhile. Load it again.", field)
    for name, value in {field: to, **values}.items():
        setattr(instance, name, value)
    audit.record(
        action=f"{instance._meta.model_name}.{to}", target=instance, before={field: came_from}, after={field: to}
    )


def _words(status: str) -> str:
    return status.replace("_", " ")
